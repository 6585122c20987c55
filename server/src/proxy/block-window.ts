/** A growing file as its readers see it: its newest and lately read parts in memory, in blocks that they share. */
export interface BlockWindow {
  /** The file has grown by this. */
  append(chunk: Buffer): void
  /** The bytes from `at` on, as far as one block has them: at least one. They are shared and must not be changed. */
  bytesAt(at: number): Promise<Buffer>
  clear(): void
}

export interface BlockWindowOptions {
  /** Reads `length` bytes of what was appended, from the file. */
  read(offset: number, length: number): Promise<Buffer>
  /** Bytes that may be kept now. */
  limit(): number
}

/** Large enough that a crowd is served with few writes, small enough to let go of. Bytes. */
const BLOCK = 256 << 10

export function createBlockWindow({ read, limit }: BlockWindowOptions): BlockWindow {
  /** Least recently used first. The last of the file may be partly filled; all others are whole. */
  const blocks = new Map<number, Buffer>()
  /** Reads under way, by block and length: readers at the same place share them. */
  const reads = new Map<string, Promise<Buffer>>()
  let size = 0

  function keep(index: number, block: Buffer): void {
    blocks.delete(index)
    blocks.set(index, block)
    const most = Math.floor(limit() / BLOCK)
    while (blocks.size > most) blocks.delete(blocks.keys().next().value!)
  }

  async function readBlock(index: number): Promise<Buffer> {
    const start = index * BLOCK
    const length = Math.min(BLOCK, size - start)
    const key = `${index} ${length}`
    const running = reads.get(key)
    if (running !== undefined) return running
    const reading = read(start, length).finally(() => reads.delete(key))
    reads.set(key, reading)
    const bytes = await reading
    // A part of a block would have to grow with the file: the next reader finds more of it there.
    if (length === BLOCK) keep(index, bytes)
    return bytes
  }

  return {
    append(chunk) {
      for (let from = 0; from < chunk.length;) {
        const index = Math.floor(size / BLOCK)
        const within = size - index * BLOCK
        const part = chunk.subarray(from, from + BLOCK - within)
        if (within === 0) keep(index, Buffer.allocUnsafeSlow(BLOCK))
        // A block that was let go of meanwhile is not begun in its middle.
        blocks.get(index)?.set(part, within)
        from += part.length
        size += part.length
      }
    },
    async bytesAt(at) {
      const index = Math.floor(at / BLOCK)
      const start = index * BLOCK
      const known = blocks.get(index)
      if (known !== undefined) keep(index, known)
      const block = known ?? (await readBlock(index))
      return block.subarray(at - start, Math.min(block.length, size - start))
    },
    clear: () => blocks.clear(),
  }
}
