import { availableParallelism } from 'node:os'
import type { Config, OriginConfig } from './config/config.ts'
import { createHttpServer } from './http/server.ts'
import type { Observer } from './observe/observer.ts'
import { createGoproxyOrigin, type GoproxyOrigin } from './origin/goproxy.ts'
import { createViaId, isLoop, withoutOurselves } from './origin/loop.ts'
import { createOutside, type Outside } from './origin/outside.ts'
import { warnOfUnreachable } from './origin/reach.ts'
import { createSumdbRemote, type OpenSumdbRemote } from './origin/sumdb-remote.ts'
import type { Catalog } from './proxy/catalog.ts'
import { createRouter } from './proxy/route.ts'
import { createModuleProxy } from './proxy/serve.ts'
import { settleActs } from './proxy/settle-acts.ts'
import type { ModuleStore } from './proxy/store.ts'
import { createZipChecker } from './proxy/zip-checker.ts'
import type { DataFolder } from './store/data-folder.ts'
import { openFileStore } from './store/file-store.ts'
import { openSumdbFiles } from './store/sumdb-files.ts'
import { createSumdbMirror } from './sumdb/mirror.ts'

export interface Opened {
  config: Config
  observer: Observer
  env: Readonly<Record<string, string | undefined>>
  version: string
  folder: DataFolder
  catalog: Catalog
  /** What is to be closed at the end, last first. */
  closing: (() => Promise<void>)[]
}

export interface Rooms {
  addresses: string[]
  /** Lets running requests and fetches finish within `shutdownGrace`. */
  drain(): Promise<void>
}

/** Joins the rooms on an open data folder and catalog. Throws `listen_failed` and `config_invalid`. */
export async function joinRooms({
  config,
  observer,
  env,
  version,
  folder,
  catalog,
  closing,
}: Opened): Promise<Rooms> {
  const checker = createZipChecker({
    threads: Math.max(1, availableParallelism() - 1),
    log: observer.log,
  })
  const store = await openFileStore(folder, {
    observer,
    hashZip: (path, size, { module, version }) =>
      checker.check({ path, size, module, version, source: 'store' }),
  })
  closing.push(() => store.close())

  const id = createViaId()
  const outside = createOutside({ observer, via: id, env, urls: outsideUrls(config) })
  const others = originsToAsk(config, observer)
  const origins = openOrigins(others, outside)
  closing.push(...[...origins.values()].map((origin) => () => origin.close()))
  const remotes = openRemotes(config, origins, outside)
  closing.push(...remotes.map((remote) => () => remote.close()))
  const mirrors = config.sumdb.map(({ name, key }, i) =>
    createSumdbMirror({
      key,
      remote: remotes[i]!,
      files: openSumdbFiles(folder, name),
      log: observer.log,
      onFork: (explanation) => reportFork(catalog, observer, name, explanation),
    }),
  )
  const databases = new Map(mirrors.map((mirror) => [mirror.name, mirror]))
  const router = createRouter(config.routes, origins, databases, config.uploads)
  const proxy = createModuleProxy({
    router,
    store,
    catalog,
    checker,
    lookAhead: config.lookAhead,
    observer,
  })
  await settleActs({ store, catalog, observer })
  const http = createHttpServer({
    config,
    proxy,
    mirrors,
    observer,
    totals: () => catalog.totals(),
    ready: createReadiness(store, folder),
    isLoop: (via) => isLoop(via, id),
    version,
  })
  const addresses = await http.listen()
  const probing = new AbortController()
  const probed = warnOfUnreachable(others.values(), { outside, signal: probing.signal })
  return {
    addresses,
    async drain() {
      const given = AbortSignal.timeout(config.shutdownGrace)
      probing.abort()
      await http.stop(config.shutdownGrace)
      await probed
      await proxy.close(given)
    },
  }
}

const PUBLIC_PROXY = 'https://proxy.golang.org'

/**
 * The configured origins without ourselves. Where nothing else is left, as after the `go env -w GOPROXY=…` that our own
 * banner suggests, Go's default takes that place: a set-up that knows only us is not meant to fetch nothing.
 */
function originsToAsk(config: Config, observer: Observer): Map<string, OriginConfig> {
  const others = withoutOurselves(config.origins, config, observer.log)
  if (others.size > 0) return others
  const heardPrivately = new Set(
    config.routes
      .filter((route) => route.private)
      .flatMap((route) => route.from.map((entry) => entry.origin)),
  )
  for (const [name, { credentials: _ours, ca: _forUs, ...origin }] of config.origins) {
    // What private routes ask must not become a public origin: their names never leave.
    if (heardPrivately.has(name)) continue
    others.set(name, { ...origin, name: 'proxy.golang.org', url: PUBLIC_PROXY })
    observer.log.warn({ origin: name }, `no other origin is configured: ${PUBLIC_PROXY} is asked instead`)
  }
  return others
}

function openOrigins(
  others: ReadonlyMap<string, OriginConfig>,
  outside: Outside,
): Map<string, GoproxyOrigin> {
  return new Map(Array.from(others, ([name, origin]) => [name, createGoproxyOrigin(origin, outside)]))
}

/** The ways to the checksum databases: through the origins of the public routes that use them, as `go` goes. */
function openRemotes(
  config: Config,
  origins: ReadonlyMap<string, GoproxyOrigin>,
  outside: Outside,
): OpenSumdbRemote[] {
  return config.sumdb.map((database) => {
    const entries = config.routes
      .filter((route) => !route.private && route.checksum === database.name)
      .flatMap((route) => route.from)
    const through = entries.flatMap(({ origin, then }) => {
      const open = origins.get(origin)
      return open === undefined ? [] : [{ tree: open.tree, then }]
    })
    return createSumdbRemote({ config: database, through, ...DIRECT, outside })
  })
}

/** How a checksum database itself is asked. Milliseconds. */
const DIRECT = {
  timeouts: { lookup: 10_000, connect: 30_000, tls: 10_000, headers: 30_000, idle: 30_000, total: 120_000 },
  connections: 16,
  tries: 3,
}

function outsideUrls(config: Config): string[] {
  const databases = config.sumdb.map(({ name, url }) => url ?? `https://${name}`)
  return [...Array.from(config.origins.values(), ({ url }) => url), ...databases]
}

/** How long one look at the disk counts, so that anybody may ask at any rate. Milliseconds. */
const READY_FOR = 2_000

function createReadiness(store: ModuleStore, folder: DataFolder): () => Promise<string[]> {
  let last: { at: number; reasons: Promise<string[]> } | undefined
  return () => {
    if (last === undefined || Date.now() - last.at > READY_FOR) {
      const reasons = store.probe().then(
        () => [],
        (error: Error) => [`the data folder ${folder.path} cannot be written: ${error.message}`],
      )
      last = { at: Date.now(), reasons }
    }
    return last.reasons
  }
}

/** A fork is recorded beside being logged; when that fails too, the log line is what remains. */
function reportFork(catalog: Catalog, observer: Observer, name: string, explanation: string): void {
  observer.log.error(
    { database: name, explanation },
    'incident: a checksum database has signed two histories',
  )
  catalog
    .report({
      kind: 'checksum_database',
      realm: 'public',
      module: '',
      version: '',
      source: name,
      expected: 'one growing log',
      found: explanation,
      outcome: 'its answers are refused',
    })
    .catch((error: unknown) =>
      observer.log.error({ err: error, database: name }, 'the incident could not be recorded'),
    )
}
