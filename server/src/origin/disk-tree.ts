import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ModsteadError } from '../errors.ts'
import { tooLarge } from './body.ts'
import { startRun, within, type Run } from './deadline.ts'
import { duration, errorCode, failure, timedOut, type Peer, type Role } from './failures.ts'
import type { FileTree } from './file-tree.ts'

export interface DiskTreeOptions {
  role: Role
  /** A `file:` URL with nothing but a path. */
  url: URL
  /** Milliseconds: `idle` for each read, `total` for the whole of a request. A share may hang like a host does. */
  timeouts: { idle: number; total: number }
}

/** Bytes read at a time. */
const CHUNK = 256 << 10

/**
 * Files below a local folder, as `go` reads a `file://` GOPROXY: a file that does not exist is absent, any other
 * failure is one. So is a folder that is gone as a whole, for a share that is not mounted must not look empty.
 */
export function createDiskTree(options: DiskTreeOptions): FileTree {
  const { role, url, timeouts } = options
  const peer: Peer = { label: `the folder of ${role.kind} ${role.name}`, origin: role.name }
  const root = rootOf(url, role)

  function start(signal: AbortSignal): Run {
    const { total } = timeouts
    return startRun({
      signal,
      total,
      late: () => failure('upstream_timeout', peer, `did not give the file within ${duration(total)}`),
    })
  }

  /** Waits for the file system, but not for ever: a read that hangs is left behind. */
  async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const late = (): Error => timedOut(peer, 'reading a file', timeouts.idle)
    signal.throwIfAborted()
    try {
      return await within(work(), { ms: timeouts.idle, signal, late })
    } catch (error) {
      throw error instanceof ModsteadError ? error : readFailure(error, peer)
    }
  }

  /** An open file, its size and its validator. Checked before it is opened: opening a pipe would wait for a writer. */
  async function openFile(path: string): Promise<{ handle: FileHandle; size: number; etag: string }> {
    const file = join(root, path)
    const found = await stat(file).catch(async (error: unknown) => {
      if (errorCode(error) === 'ENOENT')
        await stat(root).catch((cause: unknown) => Promise.reject(rootGone(peer, cause)))
      throw error
    })
    if (!found.isFile()) throw failure('upstream_failed', peer, 'has something there that is not a file')
    return { handle: await open(file, 'r'), size: found.size, etag: `"${found.mtimeMs}-${found.size}"` }
  }

  async function* chunksOf(handle: FileHandle, size: number, run: Run): AsyncGenerator<Buffer, void> {
    try {
      for (let position = 0; ;) {
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size - position + 1))
        const { bytesRead } = await patiently(
          () => handle.read(buffer, 0, buffer.length, position),
          run.signal,
        )
        position += bytesRead
        if (position > size || (bytesRead === 0 && position < size))
          throw failure('upstream_invalid', peer, 'has a file there that changes while it is read')
        if (bytesRead === 0) return
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      run.end()
      await handle.close()
    }
  }

  return {
    kind: 'file',
    peer,
    async read(path, { signal, limit, since }) {
      const run = start(signal)
      try {
        const { handle, size, etag } = await patiently(() => openFile(path), run.signal)
        try {
          if (etag === since?.etag) return 'unchanged'
          if (size > limit) throw tooLarge({ limit, peer })
          const chunks: Buffer[] = []
          for await (const chunk of chunksOf(handle, size, run)) chunks.push(chunk)
          return { bytes: Buffer.concat(chunks), validators: { etag } }
        } finally {
          await handle.close()
        }
      } finally {
        run.end()
      }
    },
    async stream(path, { signal, limit }) {
      const run = start(signal)
      try {
        const { handle, size } = await patiently(() => openFile(path), run.signal)
        const closeHandle = (): void => void handle.close()
        run.signal.addEventListener('abort', closeHandle, { once: true })
        if (size <= limit) return { size, chunks: chunksOf(handle, size, run) }
        await handle.close()
        throw tooLarge({ limit, peer })
      } catch (error) {
        run.end()
        throw error
      }
    },
    async close() {},
  }
}

function rootOf(url: URL, role: Role): string {
  const isPlain = url.search === '' && url.hash === ''
  try {
    if (isPlain) return fileURLToPath(url)
  } catch (cause) {
    throw notAPath(role, cause)
  }
  throw notAPath(role)
}

function notAPath(role: Role, cause?: unknown): ModsteadError {
  return new ModsteadError(
    'config_invalid',
    `the URL of ${role.kind} ${role.name} is not the URL of a local folder`,
    {
      next: 'write it like file:///srv/modules',
      cause,
    },
  )
}

function rootGone(peer: Peer, cause: unknown): ModsteadError {
  return failure('upstream_unreachable', peer, `cannot be read (${errorCode(cause)})`, {
    next: 'check that it exists and is mounted on the machine of this modstead',
    cause,
  })
}

function readFailure(error: unknown, peer: Peer): ModsteadError {
  const code = errorCode(error)
  if (code === 'ENOENT') return failure('not_found', peer, 'does not have it')
  if (code === 'EACCES' || code === 'EPERM')
    return failure('upstream_refused', peer, 'may not be read by modstead', { cause: error })
  return failure('upstream_failed', peer, `cannot be read${code === '' ? '' : ` (${code})`}`, {
    cause: error,
  })
}
