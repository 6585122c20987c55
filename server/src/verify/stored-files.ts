import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { escapePath } from '@modstead/gomod/path'
import { escapeVersion } from '@modstead/gomod/version'
import { MAX_GO_MOD, MAX_ZIP_FILE } from '@modstead/gomod/zip/limits'
import { ModsteadError } from '../errors.ts'
import type { ZipChecker } from '../proxy/zip-checker.ts'
import type { Artifact, Claims, ModuleName, Unreadable } from './claims.ts'
import type { OpenProxy } from './outward.ts'

/** What a proxy gave. */
export interface StoredVersion {
  claims: Claims
  unreadable: Unreadable[]
  /** It could not be asked: a sentence. */
  failure?: string
}

/**
 * Downloads the go.mod and the zip that a proxy has of a version, and hashes them; what it does not have makes no
 * claim. Zips lie in `folder` while they are hashed. Rejects with the reason of the signal only.
 */
export async function readStoredVersion(
  name: ModuleName,
  {
    proxy,
    folder,
    checker,
    signal,
  }: { proxy: OpenProxy; folder: string; checker: ZipChecker; signal: AbortSignal },
): Promise<StoredVersion> {
  const found: StoredVersion = { claims: { zip: [], 'go.mod': [] }, unreadable: [] }
  const stem = `${escapePath(name.path)}/@v/${escapeVersion(name.version)}`
  const asked = { signal, priority: 'client' } as const

  async function ask(artifact: Artifact, hash: () => Promise<string>): Promise<void> {
    if (found.failure !== undefined) return
    try {
      found.claims[artifact].push({ side: 'proxy', where: proxy.url, hash: await hash() })
    } catch (error) {
      signal.throwIfAborted()
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'upstream_invalid')
        found.unreadable.push({ side: 'proxy', where: proxy.url, problem: message })
      else if (code === undefined) throw error
      else if (code !== 'not_found') found.failure = message
    }
  }

  await ask('go.mod', async () => {
    const file = await proxy.stored.read(`${stem}.mod`, { ...asked, limit: MAX_GO_MOD })
    if (file === 'unchanged') throw new ModsteadError('internal', 'a go.mod was asked for with a condition')
    return hashGoMod(file.bytes)
  })
  await ask('zip', async () => {
    const { chunks } = await proxy.stored.stream(`${stem}.zip`, { ...asked, limit: MAX_ZIP_FILE })
    const path = join(folder, `${randomUUID()}.zip`)
    try {
      const size = await writeAll(path, chunks)
      return await checker.check({
        ...name,
        module: name.path,
        path,
        size,
        source: proxy.url,
        urgency: { priority: 'client' },
      })
    } finally {
      await rm(path, { force: true })
    }
  })
  return found
}

async function writeAll(path: string, chunks: AsyncIterable<Buffer>): Promise<number> {
  const handle = await open(path, 'wx', 0o600)
  try {
    let size = 0
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten
      size += chunk.length
    }
    return size
  } finally {
    await handle.close()
  }
}
