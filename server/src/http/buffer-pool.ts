/** Buffers that are used again and again, so that sending big files makes no garbage. */
export interface BufferPool {
  /** A big buffer while there is one within the bound, otherwise (or when `small`) a small one. */
  take(small: boolean): Buffer
  /** Gives a buffer back. Nobody may write to it or read from it afterwards. */
  give(buffer: Buffer): void
  /** Bytes of big buffers that are in use. */
  inUse(): number
}

/** Sizes in bytes. `bound` is for the big buffers, in use and waiting to be. */
export interface BufferPoolOptions {
  bound: number
  big: number
  small: number
}

/**
 * Big buffers stay in the pool for ever; small ones are made for their use and left to the garbage collector, since
 * there may be any number of slow clients.
 */
export function createBufferPool({ bound, big, small }: BufferPoolOptions): BufferPool {
  const most = Math.floor(bound / big)
  const free: Buffer[] = []
  let made = 0
  return {
    take(wantSmall) {
      if (wantSmall) return Buffer.allocUnsafeSlow(small)
      const buffer = free.pop()
      if (buffer !== undefined) return buffer
      if (made === most) return Buffer.allocUnsafeSlow(small)
      made++
      return Buffer.allocUnsafeSlow(big)
    },
    give(buffer) {
      if (buffer.length === big) free.push(buffer)
    },
    inUse: () => (made - free.length) * big,
  }
}
