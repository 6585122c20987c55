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

/** Of the small buffers that are given back, this part of the bound is kept for the next who wants one. */
const SMALL_PART = 8

/**
 * Big buffers stay in the pool for ever. Small ones are made as they are wanted, since there may be any number of slow
 * clients, and most are left to the garbage collector.
 */
export function createBufferPool({ bound, big, small }: BufferPoolOptions): BufferPool {
  const most = Math.floor(bound / big)
  const mostSmall = Math.floor(bound / SMALL_PART / small)
  const free: Buffer[] = []
  const freeSmall: Buffer[] = []
  let made = 0

  function takeSmall(): Buffer {
    return freeSmall.pop() ?? Buffer.allocUnsafeSlow(small)
  }

  return {
    take(wantSmall) {
      if (wantSmall) return takeSmall()
      const buffer = free.pop()
      if (buffer !== undefined) return buffer
      if (made === most) return takeSmall()
      made++
      return Buffer.allocUnsafeSlow(big)
    },
    give(buffer) {
      if (buffer.length === big) free.push(buffer)
      else if (freeSmall.length < mostSmall) freeSmall.push(buffer)
    },
    inUse: () => (made - free.length) * big,
  }
}
