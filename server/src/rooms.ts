import { availableParallelism } from 'node:os'
import type { CertificatesByConnection } from './access/certificates/client-certificate.ts'
import type { AuthRecords } from './access/issued/records.ts'
import type { DirectoryRecords } from './access/ldap/known-users.ts'
import type { TokenRecords } from './access/tokens/access-tokens.ts'
import { clientModulePaths } from './config/client-module.ts'
import type { Config } from './config/config.ts'
import { createHttpServer } from './http/server.ts'
import type { Observer } from './observe/observer.ts'
import { openLimits } from './open-limits.ts'
import { openRemotes, outsideUrls } from './open-databases.ts'
import { openOrigins } from './open-origins.ts'
import { createClientOrigin } from './origin/client-module/client-origin.ts'
import { createViaId, isLoop } from './origin/loop.ts'
import { createOutside } from './origin/outside.ts'
import { warnOfUnreachable } from './origin/reach.ts'
import type { Catalog } from './proxy/catalog.ts'
import { joinSite, type SharedRooms } from './join-site.ts'
import { withBuiltIn } from './proxy/built-in.ts'
import type { PromisedHashes } from './proxy/checksums.ts'
import { createEngine } from './proxy/engine.ts'
import { createRecorder } from './proxy/incidents.ts'
import type { PromotionRecords } from './proxy/promotions.ts'
import { createRoom, type QuotaRecords } from './proxy/quotas.ts'
import { createRouter } from './proxy/route.ts'
import { createPrivateNames, withoutPrivateNames } from './proxy/private-names.ts'
import { settleActs } from './proxy/settle-acts.ts'
import type { ModuleStore, Realm } from './proxy/store.ts'
import { keepWhole } from './proxy/whole-repositories.ts'
import { createZipChecker } from './proxy/zip-checker.ts'
import type { DataFolder } from './store/data-folder.ts'
import { openFileStore } from './store/file-store.ts'
import { openSumdbFiles } from './store/sumdb-files.ts'
import { reportAlarms } from './sumdb/alarms.ts'
import { createSumdbMirror } from './sumdb/mirror.ts'

export interface Opened {
  config: Config
  observer: Observer
  env: Readonly<Record<string, string | undefined>>
  version: string
  folder: DataFolder
  catalog: Catalog & TokenRecords & AuthRecords & DirectoryRecords & PromotionRecords & QuotaRecords
  /** What is to be closed at the end, last first. */
  closing: (() => Promise<void>)[]
}

export interface Rooms {
  addresses: string[]
  /** Lets running requests and fetches finish within `shutdownGrace`. */
  drain(): Promise<void>
  /** Looks at once whether the files of `tls` have changed. Never rejects. */
  reload(): Promise<void>
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
  const limiting = openLimits(config, observer)
  closing.push(async () => limiting.close())
  // Closed after all that records.
  const audit =
    config.audit &&
    (await (
      await import('./open-audit.ts')
    ).openAudit({ config: config.audit, checksumLog: config.checksumLog, observer, env, version }))
  if (audit !== undefined) closing.push(() => audit.close())
  const checker = createZipChecker({
    threads: Math.max(1, availableParallelism() - 1),
    log: observer.log,
  })
  const store = await openFileStore(folder, {
    observer,
    hashZip: (path, size, { module, version }) =>
      checker.check({ path, size, module, version, source: 'store', urgency: { priority: 'client' } }),
  })
  closing.push(() => store.close())

  const id = createViaId()
  const outside = createOutside({ observer, via: id, env, urls: outsideUrls(config) })
  const origins = await openOrigins({ config, folder: folder.path, outside, observer })
  closing.push(() => origins.close())
  const remotes = openRemotes(config, origins.proxies, outside)
  closing.push(...remotes.map((remote) => () => remote.close()))
  const record = createRecorder(catalog, observer)
  const mirrors = config.sumdb.map(({ name, key }, i) =>
    createSumdbMirror({
      key,
      remote: remotes[i]!,
      files: openSumdbFiles(folder, name),
      log: observer.log,
      raise: reportAlarms(name, record),
    }),
  )
  const mirrored = new Map(mirrors.map((mirror) => [mirror.name, mirror]))
  const builtIn: SharedRooms['builtIn'] = (publicUrl, realm) => {
    const modules = clientModulePaths(publicUrl)
    return { modules, origin: createClientOrigin(modules, version), realm }
  }
  const asConfigured = createRouter(config.routes, origins.all, mirrored, config.uploads)
  const isPrivateName = createPrivateNames([config.routes, ...config.tenants.map(({ site }) => site.routes)])
  const configured =
    config.tenants.length > 0 ? withoutPrivateNames(asConfigured, isPrivateName) : asConfigured
  const router = withBuiltIn(configured, builtIn(config.publicUrl, 'public'))
  // Loaded where there is one: most of it is of no use without.
  const log =
    config.checksumLog &&
    (await import('./open-log.ts')).holdLog({
      config: config.checksumLog,
      data: folder.path,
      env,
      record,
      isProvenElsewhere(module) {
        const { checksum, log } = router.routeOf(module)
        return checksum !== undefined || !log
      },
      observer,
    })
  if (log !== undefined) closing.push(() => log.close())
  const quotas = quotasOf(config)
  const hasLogs = log !== undefined || config.tenants.some(({ site }) => site.checksumLog !== undefined)
  const promises = new Map<Realm, PromisedHashes>()
  if (log !== undefined) for (const realm of ['default', 'public']) promises.set(realm, log.promised)
  const engine = createEngine({
    store,
    catalog,
    checker,
    observer,
    ...(quotas.size > 0 && { room: createRoom(quotas, catalog) }),
    // A log promises for the modules of its realm, and that of the top level for public ones besides.
    ...(hasLogs && { promised: async (realm, module, version) => promises.get(realm)?.(module, version) }),
    refuseFetching: limiting.degraded.refusal,
  })
  const warnings: (() => readonly string[])[] = [
    () => log?.warnings() ?? [],
    () => audit?.warnings() ?? [],
    limiting.degraded.warnings,
  ]
  const certificates: CertificatesByConnection = new WeakMap()
  const shared: SharedRooms = {
    engine,
    store,
    catalog,
    certificates,
    mirrors,
    observer,
    env,
    closing,
    warnings,
    builtIn,
  }
  const root = await joinSite({ config, realm: 'default', router: configured, origins, log }, shared)
  // Loaded where there are some.
  const tenants =
    config.tenants.length > 0
      ? await (
          await import('./join-tenants.ts')
        ).joinTenants(
          {
            config,
            folder: folder.path,
            via: id,
            databases: mirrored,
            promises,
            root: { origins, router: configured },
            isPrivateName,
          },
          shared,
        )
      : undefined
  await settleActs({ store, catalog, observer })
  const http = createHttpServer({
    ...root.site,
    config,
    certificates,
    ...(audit !== undefined && { audit }),
    observer,
    // Counts of everything would tell of the tenants' modules.
    ...(config.tenants.length === 0 && { totals: () => catalog.totals() }),
    ...(tenants && { tenants: tenants.sites }),
    ready: createReadiness(store, folder, () =>
      // Where reads are not recorded they go on.
      (config.audit?.downloads ?? 0) > 0 ? audit?.blockedBy() : undefined,
    ),
    limits: limiting.limits,
    ...(limiting.answered && { answered: limiting.answered }),
    warnings: () => warnings.flatMap((tell) => tell()),
    isLoop: (via) => isLoop(via, id),
    version,
  })
  const addresses = await http.listen()
  if (folder.full)
    observer.log.warn(
      { dataDir: folder.path },
      'the disk of the data folder is full: what is stored is served, nothing new can be stored until there is space',
    )
  if (folder.exposed)
    observer.log.warn(
      { folder: folder.temporary },
      'other users of this machine can read the private modules that are on their way into the store; ' +
        'let modstead’s user own this folder, on a file system with permissions',
    )
  const probing = new AbortController()
  const whole =
    config.mirror &&
    keepWhole({
      config: config.mirror,
      router,
      keep: root.proxy.keepWhole,
      log: observer.log,
    })
  const probed = warnOfUnreachable([...origins.asked, ...(tenants?.asked ?? [])], {
    outside,
    signal: probing.signal,
  })
  return {
    addresses,
    reload: () => http.reload(),
    async drain() {
      const given = AbortSignal.timeout(config.shutdownGrace)
      probing.abort()
      await http.stop(config.shutdownGrace)
      await probed
      await Promise.all([root.drain(given), tenants?.drain(given), whole?.stop(), engine.close(given)])
    },
  }
}

/** Bytes by realm: where two tenants share one, the smaller quota holds. */
function quotasOf({ tenants }: Config): Map<Realm, number> {
  const quotas = new Map<Realm, number>()
  for (const {
    realm,
    quotas: { bytes = Infinity },
  } of tenants)
    if (bytes < (quotas.get(realm) ?? Infinity)) quotas.set(realm, bytes)
  return quotas
}

/** How long one look at the disk counts, so that anybody may ask at any rate. Milliseconds. */
const READY_FOR = 2_000

/** Gives why nothing is served rightly now; `blockedBy` says so where it is not about the data folder. */
function createReadiness(
  store: ModuleStore,
  folder: DataFolder,
  blockedBy: () => string | undefined,
): () => Promise<string[]> {
  let last: { at: number; reasons: Promise<string[]> } | undefined
  return async () => {
    if (last === undefined || Date.now() - last.at > READY_FOR) {
      const reasons = store
        .probe()
        .then(() => folder.restoreReserve())
        .then(
          () => [],
          (error: Error) => [`the data folder ${folder.path} cannot be written: ${error.message}`],
        )
      last = { at: Date.now(), reasons }
    }
    const blocked = blockedBy()
    return [...(await last.reasons), ...(blocked === undefined ? [] : [blocked])]
  }
}
