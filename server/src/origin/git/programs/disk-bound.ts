import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** How often the size on disk is looked at. Milliseconds. */
const EVERY = 1_000

/** The folder took more than it may. */
export class TooMuchOnDisk extends Error {
  override readonly name = 'TooMuchOnDisk'
}

/**
 * Watches a folder while something is fetched into it, since git has no bound of its own: `signal` fires when it takes
 * more than `most` bytes, or when the given signal does.
 */
export function tooMuchOnDisk(options: { folder: string; most: number; signal: AbortSignal }): {
  signal: AbortSignal
  end(): void
} {
  const { folder, most, signal } = options
  const over = new AbortController()
  let looking = false

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      if ((await sizeOf(folder)) > most) over.abort(new TooMuchOnDisk(`more than ${most} bytes`))
    } catch (error) {
      over.abort(error)
    } finally {
      looking = false
    }
  }

  const timer = setInterval(() => void look(), EVERY)
  return { signal: AbortSignal.any([signal, over.signal]), end: () => clearInterval(timer) }
}

/** Bytes of all files in a folder. What vanishes meanwhile does not count. */
export async function sizeOf(folder: string): Promise<number> {
  let total = 0
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(unlessGone([]))
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const found = await stat(join(entry.parentPath, entry.name)).catch(unlessGone(undefined))
    total += found?.size ?? 0
  }
  return total
}

/** What stands for a file that is not there any more; other failures are thrown. */
export function unlessGone<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return instead
    throw error
  }
}
