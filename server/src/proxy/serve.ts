import type { LookAheadConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import { createActs } from './acts.ts'
import type { Answer } from './answer.ts'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { refuseDeleted } from './deletions.ts'
import type { Catalog } from './catalog.ts'
import type { PromisedHashes, VersionHashes } from './checksums.ts'
import { createKeeper } from './keeper.ts'
import { createLookAhead } from './look-ahead.ts'
import { createEngine, type Engine } from './engine.ts'
import type { ModuleProxy } from './module-proxy.ts'
import type { MutableQuestion } from './mutable.ts'
import type { OriginOptions } from './origin.ts'
import type { ModuleRequest, RequestContext } from './request.ts'
import type { Route, Router } from './route.ts'
import type { SmallKind } from './small-files.ts'
import type { ModuleStore, Realm } from './store.ts'
import type { ZipChecker } from './zip-checker.ts'
import { keyOf } from './wanted.ts'
import type { ZipAnswer } from './zips.ts'

export interface ProxyOptions {
  router: Router
  store: ModuleStore
  catalog: Catalog
  checker: ZipChecker
  lookAhead: LookAheadConfig
  observer: Observer
  /** What a log of ours has promised; absent where there is none. */
  promised?: PromisedHashes
  /** Why nothing may be fetched now, for nobody. Default: it always may. */
  refuseFetching?: () => ModsteadError | undefined
  now?: () => number
}

/** A request for one file of one version. */
type Exact<Kind> = Extract<ModuleRequest, { version: unknown }> & { kind: Kind }

/** The proxy room: route, find, fetch, verify, commit, answer. */
export function createModuleProxy(options: ProxyOptions): ModuleProxy {
  const { router, lookAhead, promised, ...rest } = options
  const engine = createEngine({
    ...rest,
    ...(promised !== undefined && { promised: (_, module, version) => promised(module, version) }),
  })
  return createProxyOn(engine, { router, lookAhead })
}

/** One of several proxies that share an engine: its routes decide what is asked for, and in which realm it is kept. */
export function createProxyOn(
  engine: Engine,
  {
    router,
    lookAhead: ahead,
    realm = 'default',
  }: Pick<ProxyOptions, 'router' | 'lookAhead'> & { realm?: Realm },
): ModuleProxy {
  const { parts, files, zips, mutable, uses, changed } = engine
  const { catalog, shutdown, now } = parts
  const acts = createActs({ router, files, zips, changed, turns: engine.turns }, parts)
  const lookAhead = createLookAhead(ahead, router, files, zips, parts)
  const keeper = createKeeper({ router, mutable, files, zips, parts, changed })
  engine.add({ stop: () => lookAhead.stop(), idle: () => acts.idle() })
  const isOurs = (other: Realm): boolean => other === realm || other === 'public'

  async function serveMutable(
    route: Route,
    request: ModuleRequest,
    context: RequestContext,
  ): Promise<Answer> {
    const question: MutableQuestion = { route, module: request.module, query: questionOf(request) }
    const answer = context.storedOnly
      ? ((await mutable.stored(question)) ?? refuseFetch(request))
      : await mutable.get(question, forClient(context))
    return {
      module: request.module,
      contentType: request.kind === 'list' ? 'text/plain; charset=utf-8' : 'application/json',
      body: { kind: 'bytes', bytes: answer.body },
      modified: answer.modified,
      life: {
        until: answer.until,
        fresh: Math.max(0, Math.ceil((answer.until - now()) / 1000)),
        stale: answer.until > now() ? route.stale / 1000 : 0,
      },
      realm: route.realm,
      private: route.private,
    }
  }

  async function serveSmall(
    route: Route,
    request: Exact<SmallKind>,
    context: RequestContext,
  ): Promise<Answer> {
    const wanted = { ...request, route }
    if (!context.storedOnly) lookAhead.asked(request.kind, context.client, wanted)
    const file = await parts.dropped.explain(keyOf(wanted), async () =>
      context.storedOnly
        ? ((await files.stored(wanted, forClient(context))) ?? refuseFetch(request))
        : files.get(wanted, forClient(context)),
    )
    if (request.kind === 'mod' && file.fetched) lookAhead.fetchedMod(context.client, wanted, file.bytes)
    return {
      module: request.module,
      contentType: request.kind === 'info' ? 'application/json' : 'text/plain; charset=utf-8',
      body: { kind: 'bytes', bytes: file.bytes },
      modified: file.modified,
      life: 'immutable',
      realm: route.realm,
      private: route.private,
      ...(lookAhead.isOnFor(route) && {
        given: (client: object) => lookAhead.asked(request.kind, client, wanted),
      }),
    }
  }

  async function serveZip(route: Route, request: Exact<'zip'>, context: RequestContext): Promise<Answer> {
    const wanted = { ...request, route }
    if (!context.storedOnly) lookAhead.asked('zip', context.client, wanted)
    const zip = await parts.dropped.explain(keyOf(wanted), async () =>
      context.storedOnly
        ? ((await zips.stored(wanted, forClient(context))) ?? refuseFetch(request))
        : zips.get(wanted, forClient(context)),
    )
    return {
      module: request.module,
      contentType: 'application/zip',
      ...bodyOf(zip),
      life: 'immutable',
      realm: route.realm,
      private: route.private,
    }
  }

  async function answer(route: Route, request: ModuleRequest, context: RequestContext): Promise<Answer> {
    switch (request.kind) {
      case 'list':
      case 'latest':
      case 'query':
        return serveMutable(route, request, context)
      case 'info':
      case 'mod':
        uses.note(route.realm, request.module, request.version)
        return serveSmall(route, { ...request, kind: request.kind }, context)
      case 'zip':
        uses.note(route.realm, request.module, request.version)
        return serveZip(route, { ...request, kind: 'zip' }, context)
    }
  }

  async function hashes(
    module: ModulePath,
    version: Version,
    context: RequestContext,
  ): Promise<VersionHashes> {
    const route = router.routeOf(module)
    await acts.settled(route, module)
    const known = async (): Promise<VersionHashes | undefined> => {
      const row = await catalog.version(route.realm, module, version)
      refuseDeleted({ module, version }, row)
      return row?.h1 === undefined || row.goModH1 === undefined
        ? undefined
        : { h1: row.h1, goModH1: row.goModH1 }
    }
    const found = await known()
    if (found !== undefined) return found
    const options = forClient(context)
    await files.get({ route, module, version, kind: 'mod' }, options)
    await zips.whole({ route, module, version, kind: 'zip' }, options)
    const learnt = await known()
    if (learnt !== undefined) return learnt
    throw new ModsteadError(
      'internal',
      `the hashes of ${module}@${version} are not known after it was stored`,
    )
  }

  return {
    async serve(request, context) {
      if (shutdown.aborted)
        throw new ModsteadError('shutting_down', 'this modstead is shutting down', { next: 'ask again' })
      const route = router.routeOf(request.module)
      await acts.settled(route, request.module)
      return answer(route, request, context)
    },
    refusePrivate: (module) => refusePrivate(router, module),
    acts,
    hashes,
    async knownHashes(module, version) {
      const { realm } = router.routeOf(module)
      const { h1, goModH1 } = (await catalog.version(realm, module, version)) ?? {}
      return { ...(h1 !== undefined && { h1 }), ...(goModH1 !== undefined && { goModH1 }) }
    },
    onStored: (listener) =>
      engine.onStored((stored) => {
        if (isOurs(stored.realm)) listener(stored)
      }),
    onChange: (listener) =>
      engine.onChange((change) => {
        if (isOurs(change.realm)) listener(change)
      }),
    refresh: keeper.refresh,
    keepWhole: keeper.keepWhole,
    touched(batch) {
      for (const { realm, module, version, at } of batch) uses.note(realm, module, version, at)
    },
    close: (signal) => engine.close(signal),
  }
}

function forClient({ signal, via, asker }: RequestContext): OriginOptions {
  return {
    signal,
    priority: 'client',
    ...(asker && { asker: { begin: asker.begin, gone: signal } }),
    ...(via !== undefined && { via }),
  }
}

function questionOf(request: ModuleRequest): MutableQuestion['query'] {
  if (request.kind === 'query') return `?${request.query}`
  return request.kind === 'latest' ? 'latest' : 'list'
}

function bodyOf(zip: ZipAnswer): Pick<Answer, 'body' | 'sha256' | 'modified'> {
  if ('live' in zip) return { body: { kind: 'live', zip: zip.live } }
  const { file, sha256 } = zip
  return { body: { kind: 'file', file }, modified: file.modified, ...(sha256 !== undefined && { sha256 }) }
}

function refuseFetch(request: ModuleRequest): never {
  const what =
    'version' in request
      ? `${request.kind} of ${request.module}@${request.version}`
      : `answer for ${request.module}`
  throw new ModsteadError(
    'not_stored',
    `the ${what} is not stored here, and the request forbids fetching it`,
    {
      next: 'ask without the header Disable-Module-Fetch: true',
    },
  )
}

/** Names that no public checksum database may hear of, with the line that keeps `go` from asking for them. */
function refusePrivate(router: Router, module: ModulePath): void {
  const route = router.routeOf(module)
  if (route.checksum !== undefined && !route.private) return
  if (route.elsewhere)
    throw new ModsteadError('not_found', `${module} is not in this checksum database`, {
      next: 'check the spelling',
    })
  const reason = route.private
    ? 'is under a private pattern, whose names are never sent to a public checksum database'
    : 'is configured to be served without a checksum database'
  const patterns = route.modules.join(',')
  throw new ModsteadError('private_name', `${module} ${reason}`, {
    next:
      patterns === '*'
        ? 'go env -w GOSUMDB=off'
        : `add these patterns to what go env GONOSUMDB prints: go env -w GONOSUMDB=${patterns}`,
  })
}
