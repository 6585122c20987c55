import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientGuide } from '../config/client-guides.ts'
import type { ClientSetting } from '../config/client-settings.ts'
import { PAGES, SETTINGS_PAGE } from '../config/fixed-paths.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import { homeHtml, homeText, type HomeFacts, type Totals } from './home.ts'
import { HTML_POLICY } from './html-page.ts'
import { requireHost } from './request-host.ts'
import { settingsHtml, settingsJson, settingsText } from './settings-page.ts'
import { refusalFor } from './statuses.ts'

/** What the pages tell of one site. */
export interface SitePages {
  /** The name of the tenant, whose site has no pages about the server; absent for the site that has. */
  tenant?: string
  /** `''`, or a path like `/goproxy`. */
  prefix: string
  /** Names of the checksum databases that are answered for. */
  databases: readonly string[]
  /** The address for GOPROXY under which a request came. */
  addressFor: (req: IncomingMessage) => string
  /** What clients set besides GOPROXY depends on the configuration; GOPROXY is the address given. */
  clientSettings: (address: string) => readonly ClientSetting[]
  /** How each kind of client is set up for that address. */
  clientGuides: (address: string) => readonly ClientGuide[]
  /** People sign in with a browser. Default: they do not. */
  signsIn?: boolean
  /** Absent: what is stored is not told. */
  totals?: (signal: AbortSignal) => Promise<Totals>
  /** Rejects where a request presents a credential that proves nobody. */
  identify: (req: IncomingMessage) => Promise<unknown>
}

export interface RoutesOptions {
  /** The site that a request came to. */
  pagesOf: (req: IncomingMessage) => SitePages
  version: string
  /** Why no work should be sent here now; empty when ready. */
  ready: (signal: AbortSignal) => Promise<readonly string[]>
  /** What whoever runs this server should see to, a sentence each; it works all the same. */
  warnings: () => readonly string[]
  observer: Observer
  /** Called before the metrics are read. */
  beforeMetrics: () => void
  /** Answers everything that is not one of the pages, through the response of node. Never rejects. */
  answerFile: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  /** Told of requests for pages. */
  onPage: (req: IncomingMessage) => void
  /** Told of a request that was refused before or within a page; gives the id of the decision where there is one. */
  onRefusal: (req: IncomingMessage, res: ServerResponse, error: unknown) => string | undefined
}

/** The deadline of what a page asks of other rooms: probes wait no longer either. Milliseconds. */
const PAGE_DEADLINE = 2_000
/** Where module requests go within the router, which must not see their own paths: it would decode them. */
const FILES = '/-'

/** No page has a schema. Named here, because the compilers that fastify has by itself are a third of all it loads. */
const NO_SCHEMAS = {
  buildValidator: () => refuseSchema,
  buildSerializer: () => refuseSchema,
}

function refuseSchema(): never {
  throw new TypeError('the pages have no compiler for schemas')
}

/**
 * The routes behind the hot path: pages at fixed paths, and one handler for every other path. Returns the function that
 * takes a request.
 */
export async function createRoutes(options: RoutesOptions) {
  const { pagesOf, observer, version } = options

  const app = fastify({
    logger: false,
    schemaController: { compilersFactory: NO_SCHEMAS },
    rewriteUrl(req) {
      const target = req.url ?? ''
      const query = target.indexOf('?')
      const path = query < 0 ? target : target.slice(0, query)
      const { prefix, tenant } = pagesOf(req)
      if (path === '/' || (path.startsWith(prefix) && /^\/?$/.test(path.slice(prefix.length)))) return '/'
      if (path === SETTINGS_PAGE || path === prefix + SETTINGS_PAGE) return SETTINGS_PAGE
      return PAGES.has(path) && tenant === undefined ? path : FILES
    },
  })

  app.addHook('onRequest', async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new ModsteadError('method_not_allowed', `${request.method} is not allowed here`)
    requireHost(request.raw)
  })
  app.setErrorHandler((error, request, reply) => refuse(request, reply, error))
  // Reached by other methods only, all of which the hook above refuses.
  app.setNotFoundHandler((request, reply) => {
    const error = new ModsteadError('no_endpoint', 'there is nothing at this address')
    return refuse(request, reply, error)
  })

  function refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
    const decision = options.onRefusal(request.raw, reply.raw, error)
    const { status, headers, body } = refusalFor(error, decision)
    for (let i = 0; i < headers.length; i += 2) reply.header(headers[i]!, headers[i + 1])
    // The body of a refused request is not read: the connection ends with the answer.
    if (request.method !== 'GET' && request.method !== 'HEAD') reply.header('Connection', 'close')
    return reply.code(status).send(body)
  }

  app.route({
    method: ['GET', 'HEAD'],
    url: FILES,
    async handler(request, reply) {
      reply.hijack()
      await options.answerFile(request.raw, reply.raw)
    },
  })

  async function totalsOf({ totals }: SitePages): Promise<HomeFacts['totals']> {
    if (totals === undefined) return 'untold'
    return inTime(totals).catch((error: unknown) => {
      observer.log.warn({ err: error }, 'the totals for the home page could not be counted')
      return undefined
    })
  }

  app.get('/', async (request, reply) => {
    options.onPage(request.raw)
    // go with GOAUTH=git asks for this page to learn whether a password is right.
    const site = pagesOf(request.raw)
    await site.identify(request.raw)
    const { tenant, databases, signsIn } = site
    const address = site.addressFor(request.raw)
    const settings = site.clientSettings(address)
    const totals = await totalsOf(site)
    const facts: HomeFacts = { tenant, address, settings, signsIn, version, databases, totals }
    return forReader(request, page(reply)) ? homeHtml(facts) : homeText(facts)
  })

  app.get(SETTINGS_PAGE, async (request, reply) => {
    options.onPage(request.raw)
    const site = pagesOf(request.raw)
    await site.identify(request.raw)
    const address = site.addressFor(request.raw)
    const guides = site.clientGuides(address)
    if (/\bapplication\/json\b/.test(request.headers.accept ?? '')) {
      page(reply).header('Vary', 'Accept').type('application/json')
      return settingsJson(site.clientSettings(address), guides)
    }
    return forReader(request, page(reply)) ? settingsHtml(guides) : settingsText(guides)
  })

  app.get('/healthz', async (request, reply) => {
    options.onPage(request.raw)
    page(reply).type('text/plain; charset=utf-8')
    return 'alive\n'
  })

  app.get('/readyz', async (request, reply) => {
    options.onPage(request.raw)
    const reasons = await inTime(options.ready).catch((error: unknown) => {
      observer.log.warn({ err: error }, 'readiness could not be found out')
      return ['its state could not be found out in time']
    })
    page(reply).type('text/plain; charset=utf-8')
    const warnings = options.warnings().map((warning) => `warning: ${warning}`)
    if (reasons.length === 0) return ['ready', ...warnings, ''].join('\n')
    reply.code(503).header('Retry-After', '5')
    return ['not ready', ...reasons, ...warnings, ''].join('\n')
  })

  app.get('/metrics', async (request, reply) => {
    options.onPage(request.raw)
    options.beforeMetrics()
    const { contentType, body } = await observer.expose()
    page(reply).type(contentType)
    return body
  })

  await app.ready()
  return {
    handle: (req: IncomingMessage, res: ServerResponse): void => app.routing(req, res),
    close: async (): Promise<void> => app.close(),
  }
}

/** Asks another room, and waits for it no longer than the deadline of pages even if it does not heed the signal. */
async function inTime<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const controller = new AbortController()
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${PAGE_DEADLINE} ms`)
    controller.abort(error)
    late.reject(error)
  }, PAGE_DEADLINE)
  try {
    return await Promise.race([ask(controller.signal), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Sets the headers of a page for whoever reads it, and gives whether that is a browser: those ask for HTML; curl and its
 * like accept anything, and get what a terminal can show.
 */
function forReader({ headers: { accept } }: FastifyRequest, reply: FastifyReply): boolean {
  const html = accept === undefined || /\btext\/html\b/.test(accept)
  reply.header('Vary', 'Accept')
  if (html) reply.header('Content-Security-Policy', HTML_POLICY).header('Referrer-Policy', 'no-referrer')
  reply.type(html ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8')
  return html
}

function page(reply: FastifyReply): FastifyReply {
  return reply.header('Cache-Control', 'no-store').header('X-Content-Type-Options', 'nosniff')
}
