import type { ModulePath } from '@modstead/gomod/path'
import type { DirectoryRecords } from './access/ldap/known-users.ts'
import type { CertificatesByConnection } from './access/certificates/client-certificate.ts'
import type { AuthRecords } from './access/issued/records.ts'
import type { TokenRecords } from './access/tokens/access-tokens.ts'
import { goproxyUrl } from './config/address.ts'
import { TENANTS_PATH } from './config/fixed-paths.ts'
import type { Config } from './config/config.ts'
import { describeConfig, describeSite } from './config/show.ts'
import type { SiteOptions } from './http/site.ts'
import type { Observer } from './observe/observer.ts'
import { outlastTokens } from './access/outlast.ts'
import { openAccess } from './open-access.ts'
import { openIssued, outlastOf } from './open-issued.ts'
import type { HeldLog, ServedLog } from './open-log.ts'
import type { OpenOrigins } from './open-origins.ts'
import { createPushes } from './origin/git/pushes.ts'
import { type BuiltIn, withBuiltIn } from './proxy/built-in.ts'
import type { Catalog } from './proxy/catalog.ts'
import type { Engine } from './proxy/engine.ts'
import type { PromotionRecords } from './proxy/promotions.ts'
import { learnRepositories } from './proxy/learn-repositories.ts'
import type { ModuleProxy } from './proxy/module-proxy.ts'
import type { Router } from './proxy/route.ts'
import { createProxyOn } from './proxy/serve.ts'
import { withVersionMap } from './proxy/version-map.ts'
import type { ModuleStore, Realm } from './proxy/store.ts'
import { recordsOfSite } from './records-of-site.ts'
import type { SumdbMirror } from './sumdb/mirror.ts'
import type { ServedDatabase } from './sumdb/served.ts'

/** What all sites use together. */
export interface SharedRooms {
  engine: Engine
  store: ModuleStore
  catalog: Catalog & TokenRecords & AuthRecords & DirectoryRecords & PromotionRecords
  /** What connections present, noted by the listeners that ask for it. */
  certificates: CertificatesByConnection
  /** Mirrors of public checksum databases. */
  mirrors: readonly SumdbMirror[]
  /** What every site has itself, by where its clients reach it. */
  builtIn: (publicUrl: string | undefined, realm: Realm) => BuiltIn
  observer: Observer
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  /** What is to be closed at the end, last first. */
  closing: (() => Promise<void>)[]
  /** What whoever runs the server is told where its state is asked for. */
  warnings: (() => readonly string[])[]
}

/** What is one site's own. */
export interface SiteRooms {
  config: Config
  /** The name of the tenant; absent for the site that is nobody's in particular. */
  tenant?: string
  /** Where its private modules are kept. */
  realm: Realm
  /** The routes of its configuration. */
  router: Router
  origins: Pick<OpenOrigins, 'gits'>
  /** A checksum log of its own. */
  log: HeldLog | undefined
}

export interface JoinedSite {
  site: Omit<SiteOptions, 'totals'>
  proxy: ModuleProxy
  /** Ends what works by itself: push hooks and the entering of stored versions. Before the engine is closed. */
  drain(given: AbortSignal): Promise<void>
}

/** Joins the rooms of one site on what all sites share. */
export async function joinSite(
  { config, tenant, realm, router: configured, origins, log }: SiteRooms,
  { engine, store, catalog, certificates, mirrors, builtIn, observer, env, closing, warnings }: SharedRooms,
): Promise<JoinedSite> {
  const router = withBuiltIn(configured, builtIn(config.publicUrl, tenant === undefined ? 'public' : realm))
  const whole = createProxyOn(engine, { router, lookAhead: config.lookAhead, realm })
  const proxy = withVersionMap(whole, {
    entries: config.versions,
    stableQuery: config.stableQuery,
    tenant: tenant ?? '',
    realm,
    promotions: catalog,
    observer,
  })
  // What is entered into a log does not depend on what is held now.
  const serving: ServedLog | undefined = log?.serve({ router, proxy: whole, mirrors })
  const databases: ServedDatabase[] = [...mirrors, ...(serving === undefined ? [] : [serving.database])]
  const pushes = createPushes({
    *repositories() {
      for (const git of origins.gits) yield* git.repositories()
    },
    learn: (signal) => learnRepositories({ store, realm, router, signal, log: observer.log }),
    refresh: whole.refresh,
    log: observer.log,
  })
  // What is signed in at one tenant is nobody at another.
  const scope = tenant ?? ''
  // Without tenants, too: those of one that was removed are nobody's.
  const { records, looks } = outlastTokens(
    recordsOfSite({ tenant, realm }, catalog),
    outlastOf(observer, Date.now),
  )
  const issued =
    config.access &&
    (await openIssued({
      access: config.access,
      records: catalog,
      issuer: issuerOf(config, tenant),
      scope,
      observer,
      env,
      closing,
    }))
  const { access, people, passwords } = await openAccess({
    config,
    issued,
    certificates,
    directoryRecords: catalog,
    ...(tenant !== undefined && { tenant }),
    records: looks,
    names: {
      isPrivate: (module) => router.routeOf(module as ModulePath).private,
      isOpen: (module) => router.routeOf(module as ModulePath).builtIn === true,
    },
    observer,
    env,
    closing,
    warnings,
  })
  const signsIn = passwords !== undefined || (config.access?.oidc ?? []).length > 0
  const desk =
    config.access !== undefined && issued !== undefined && signsIn
      ? // Loaded where people sign in.
        await (
          await import('./open-sign-in.ts')
        ).openSignIn({
          access: config.access,
          people,
          passwords,
          issued,
          records: catalog,
          scope,
          observer,
          env,
          closing,
        })
      : undefined
  return {
    site: {
      config,
      proxy,
      access,
      ...(issued && { issued }),
      ...(desk && { desk }),
      databases,
      ...(log !== undefined && { log }),
      records,
      // Of the server a tenant is told nothing but what is its own.
      configuration: () => (tenant === undefined ? describeConfig(config) : describeSite(config)),
      pushes,
    },
    proxy,
    async drain(given) {
      await Promise.all([pushes.close(), serving?.stop(given)])
    },
  }
}

/** Who issued a token, as it says: the address of the site, or one that no other site has. */
function issuerOf(config: Config, tenant: string | undefined): string {
  const address = goproxyUrl(config, config.listen) ?? 'http://localhost'
  return tenant === undefined || config.publicUrl !== undefined ? address : address + TENANTS_PATH + tenant
}
