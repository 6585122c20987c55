import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenUpstream } from './cli/context.ts'
import { openRemotes, outsideUrls } from './open-databases.ts'
import { openOrigins } from './open-origins.ts'
import { createViaId } from './origin/loop.ts'
import { createOutside } from './origin/outside.ts'
import { createRouter } from './proxy/route.ts'
import { openSumdbFiles } from './store/sumdb-files.ts'
import type { SumdbFiles } from './sumdb/needs.ts'
import { createSumdbMirror } from './sumdb/mirror.ts'

/** How long one question may take. Milliseconds. */
const PATIENCE = 120_000

/**
 * Asks the configured checksum databases as a server with this configuration would. What its data folder has of them is
 * used, for it is verified again, and nothing is kept.
 */
export const openUpstream: OpenUpstream = async ({ config, observer, env }) => {
  const temporary = await mkdtemp(join(tmpdir(), 'modstead-upstream-'))
  const outside = createOutside({ observer, via: createViaId(), env, urls: outsideUrls(config) })
  const origins = await openOrigins({ config, folder: temporary, outside, observer })
  const remotes = openRemotes(config, origins.proxies, outside)
  const folder = {
    path: config.dataDir,
    public: join(config.dataDir, 'public'),
    sumdb: join(config.dataDir, 'sumdb'),
    temporary,
  }
  let kept = 0
  const mirrors = config.sumdb.map(({ name, key }, i) =>
    createSumdbMirror({
      key,
      remote: remotes[i]!,
      files: withoutWriting(openSumdbFiles(folder, name), () => kept++),
      log: observer.log,
      // The question that it spoils is answered with it.
      raise: () => Promise.resolve(undefined),
    }),
  )
  const databases = new Map(mirrors.map((mirror) => [mirror.name, mirror]))
  const router = createRouter(config.routes, origins.all, databases, config.uploads)
  return {
    async hashes(module, version) {
      const { checksum, private: isPrivate } = router.routeOf(module)
      if (isPrivate || checksum === undefined) return undefined
      return checksum.lookup(module, version, { signal: AbortSignal.timeout(PATIENCE), priority: 'client' })
    },
    kept: () => kept,
    async close() {
      for (const remote of remotes) await remote.close()
      await origins.close()
      await rm(temporary, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Files that a running server may be writing are only read; the head is remembered for as long as this process lives. */
function withoutWriting(files: SumdbFiles, onKept: () => void): SumdbFiles {
  let head: Buffer | undefined
  return {
    async readCache(path) {
      const bytes = await files.readCache(path)
      if (bytes !== undefined && /(?:^|\/)lookup\//.test(path)) onKept()
      return bytes
    },
    readHead: async () => head ?? (await files.readHead()),
    writeCache: () => Promise.resolve(),
    async writeHead(_, next) {
      head = Buffer.from(next)
      return 'ok'
    },
  }
}
