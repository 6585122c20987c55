import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from '../access/access.ts'
import { accessOfTokens } from '../access/access-of-tokens.ts'
import { clientGuides } from '../config/client-guides.ts'
import { clientModulePaths } from '../config/client-module.ts'
import { clientSettings } from '../config/client-settings.ts'
import type { AccessConfig } from '../config/access/access-config.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { Config } from '../config/config.ts'
import type { Limits } from '../limits/limits.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { ModuleProxy } from '../proxy/module-proxy.ts'
import type { ServedDatabase } from '../sumdb/served.ts'
import type { Action } from './action.ts'
import { type ActionsOptions, createActions } from './actions.ts'
import { createRequestAudit, type RequestAudit } from './audit-requests.ts'
import type { Totals } from './home.ts'
import { createHotPath } from './hot.ts'
import type { Memory } from './memory.ts'
import { createModuleAnswers } from './module-answers.ts'
import { createParser } from './parse.ts'
import { requireHost } from './request-host.ts'
import { createRequestLimits } from './request-limits.ts'
import { rawTarget } from './request-path.ts'
import type { createFileSender } from './send-file.ts'
import type { SitePages } from './routes.ts'
import { senderOf } from './sender.ts'
import { createSumdbAnswers, kindOfSumdb } from './sumdb-answers.ts'
import type { Exchange, Traffic } from './traffic.ts'
import { createVanityAnswers } from './vanity-answers.ts'

/** What one site is made of: all that is a tenant's own, or the whole server's where there are no tenants. */
export interface SiteOptions extends ActionsOptions {
  config: ActionsOptions['config'] &
    Pick<Config, 'publicUrl' | 'routes' | 'sumdb' | 'checksumLog' | 'vanity'> & {
      access?: Partial<Pick<AccessConfig, 'anonymous'>>
    }
  proxy: ActionsOptions['proxy'] & ModuleProxy
  /** Who may do what. Default: everybody reads, and `tokens` may do what the configuration says. */
  access?: Access
  /** The first is the default database, which is also answered for at the root. */
  databases: readonly ServedDatabase[]
  /** What is stored, for the home page; absent: it says nothing of that. */
  totals?: (signal: AbortSignal) => Promise<Totals>
}

/** What all sites of a server use together, and what the server tells a site of itself. */
export interface SiteSurroundings {
  /** The name of the tenant; absent for the site that is nobody's in particular. */
  tenant?: string
  observer: Observer
  /** The version of modstead. */
  version: string
  traffic: Traffic
  memory: Memory
  sendFile: ReturnType<typeof createFileSender>
  /** What is done is recorded there, and which share of what is only read. Absent: nothing is. */
  audit?: { trail: AuditTrail; share: number }
  /** The address for GOPROXY under which a request reached this site. */
  addressFor: (req: IncomingMessage) => string
  /** Absent: there are none. */
  limits?: Limits
  /** Told how long it took until an answer began that memory did not have. Milliseconds. */
  answered?: (ms: number) => void
}

/** One request that memory could not answer. */
export interface SiteExchange {
  req: IncomingMessage
  res: ServerResponse
  signal: AbortSignal
  /** Told what becomes known of it. */
  exchange: Exchange
}

/** One tenant's modules, access and endpoints, or those of the whole server where there are no tenants. */
export interface Site {
  /** The name of the tenant; absent for the site that is nobody's in particular. */
  readonly tenant?: string
  readonly memory: Memory
  readonly access: Access
  /** Absent where nothing is recorded. */
  readonly audit?: RequestAudit
  readonly pages: SitePages
  /** The hot path: whether memory answered. */
  answerFromMemory(req: IncomingMessage, res: ServerResponse): boolean
  /** Whether the request goes past the pages. */
  comesFirst(req: IncomingMessage): boolean
  /** Answers everything but pages. What it throws is refused in the form of `actionFor`, or broken off. */
  answer(exchange: SiteExchange): Promise<void>
  actionFor(req: IncomingMessage): Action | undefined
  /** Hands on which versions were used. */
  flush(): void
  close(): void
}

/** Joins what belongs to one site. Nothing that it makes knows of another. */
export function createSite(options: SiteOptions, surroundings: SiteSurroundings): Site {
  const { config, proxy } = options
  const { tenant, observer, version, traffic, memory, sendFile, addressFor } = surroundings
  const prefix = config.pathPrefix
  const access = options.access ?? accessOfTokens(config.tokens)
  const limits = createRequestLimits(surroundings.limits, access, tenant)
  const audit =
    surroundings.audit &&
    createRequestAudit({ ...surroundings.audit, access, ...(tenant !== undefined && { tenant }) })
  const { answered = () => undefined } = surroundings
  const answerModule = createModuleAnswers({ proxy, memory, traffic, sendFile, answered })
  const answerSumdb = createSumdbAnswers({ proxy, databases: options.databases, access, memory, traffic })
  const databases = options.databases.map(({ name }) => name)
  const parse = createParser({ prefix, databases })
  const settingsFor = (address: string) => clientSettings(config, address)
  const vanity = createVanityAnswers({
    rules: config.vanity,
    own: clientModulePaths(config.publicUrl),
    prefix,
    addressFor,
    clientSettings: settingsFor,
  })
  const actions = createActions(options, {
    access,
    observer,
    version,
    addressFor,
    ...(tenant !== undefined && { tenant }),
  })
  const endChanges = proxy.onChange((change) => memory.drop(change))

  function actionFor(req: IncomingMessage): Action | undefined {
    return actions.find((action) => action.takes(req))
  }

  /** A tenant that lets nobody read without credentials tells nobody its settings either: they name its modules. */
  async function visitorOf(req: IncomingMessage): Promise<void> {
    const { kind } = await access.identify(senderOf(req))
    if (tenant !== undefined && kind === 'anonymous' && config.access?.anonymous?.length === 0)
      throw new ModsteadError('unauthenticated', 'this page is for those who have signed in')
  }

  /** What was sent counts, be it that the client broke off: then more than what reached it, its connection tells. */
  async function answer(asked: SiteExchange): Promise<void> {
    const { req, signal, exchange } = asked
    // A push is told once only, and proves by its signature where it comes from.
    if (actionFor(req)?.kind === 'hook') return answerAdmitted(asked)
    await limits.admit(req, signal)
    const before = req.socket.bytesWritten
    try {
      await answerAdmitted(asked)
      limits.sent(req, exchange.bytes)
    } catch (error) {
      limits.sent(req, req.socket.bytesWritten - before)
      throw error
    }
  }

  async function answerAdmitted({ req, res, signal, exchange }: SiteExchange): Promise<void> {
    const page = vanity.answer(req, res)
    if (page !== undefined) {
      exchange.kind = 'vanity'
      exchange.bytes = page
      return
    }
    const action = actionFor(req)
    if (action !== undefined) {
      exchange.kind = action.kind
      requireHost(req)
      audit?.requireRoom(action.kind)
      exchange.bytes = await action.answer({
        req,
        res,
        signal,
        note: (facts) => void Object.assign(exchange, facts),
      })
      return
    }
    const endpoint = parse(rawTarget(req))
    const sent = (bytes: number): void => {
      exchange.bytes = bytes
    }
    const { path } = endpoint
    if (endpoint.kind === 'sumdb') {
      exchange.kind = kindOfSumdb(endpoint.request)
      if (endpoint.request.kind === 'lookup') {
        exchange.module = endpoint.request.module
        exchange.version = endpoint.request.version
      }
      audit?.requireRoom(exchange.kind)
      return answerSumdb({ ...endpoint, path, req, res, signal, sent, cold: await limits.cold(req) })
    }
    exchange.kind = endpoint.request.kind
    exchange.module = endpoint.request.module
    if ('version' in endpoint.request) exchange.version = endpoint.request.version
    audit?.requireRoom(exchange.kind)
    await access.require(senderOf(req), 'module:read', endpoint.request.module)
    const cold = await limits.cold(req)
    return answerModule({ request: endpoint.request, path, req, res, signal, sent, cold })
  }

  return {
    ...(tenant !== undefined && { tenant }),
    memory,
    access,
    ...(audit !== undefined && { audit }),
    pages: {
      ...(tenant !== undefined && { tenant }),
      prefix,
      databases,
      addressFor,
      clientSettings: settingsFor,
      clientGuides: (address) => clientGuides(config, address),
      signsIn: options.desk !== undefined,
      ...(options.totals !== undefined && { totals: options.totals }),
      identify: visitorOf,
    },
    answerFromMemory: createHotPath(memory, traffic, access, { tenant, audit, limits }),
    comesFirst: (req) => vanity.isAsked(req) || actionFor(req) !== undefined,
    answer,
    actionFor,
    flush() {
      const at = Date.now()
      const uses = memory.takeUses()
      if (uses.length > 0) proxy.touched(uses.map((use) => ({ ...use, at })))
    },
    close: endChanges,
  }
}
