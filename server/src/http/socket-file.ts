import { lstat, unlink } from 'node:fs/promises'
import net from 'node:net'
import { ModsteadError } from '../errors.ts'

/** How long a process that listens on a socket may take to accept a connection. Milliseconds. */
const PROBE = 1_000

/**
 * Makes room for a Unix socket: what a killed server left behind is deleted, for the system does not do it. Throws
 * `listen_failed` when a process listens on it, or it is not a socket.
 */
export async function claimSocketFile(path: string): Promise<void> {
  // What else is wrong with the path, listening itself tells.
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined) return
  if (!stats.isSocket())
    throw new ModsteadError('listen_failed', `${path} exists and is not a socket`, {
      next: 'choose another path with --listen',
    })
  if (await isListenedOn(path))
    throw new ModsteadError('listen_failed', `another process listens on the socket ${path}`, {
      next: 'stop it, or choose another path with --listen',
    })
  await unlink(path)
}

async function isListenedOn(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = net.connect({ path })
  socket.setTimeout(PROBE)
  socket.once('connect', () => resolve(true))
  // A process that does not accept in time still holds the socket.
  socket.once('timeout', () => resolve(true))
  socket.once('error', () => resolve(false))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}
