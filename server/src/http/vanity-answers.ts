import type { ClientSetting } from '../config/client-settings.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHash } from 'node:crypto'
import type { VanityRule } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import { wholeHeaders, type SizedFacts } from './file-headers.ts'
import { HTML_POLICY } from './html-page.ts'
import { sendReady } from './ready.ts'
import { rawTarget } from './request-path.ts'
import { importTarget } from './import-target.ts'
import { createVanity } from './vanity.ts'
import { ownHtml, vanityHtml, vanityText } from './vanity-page.ts'

export interface VanityAnswersOptions {
  rules: readonly VanityRule[]
  /** Modules that this server has itself, at no repository. */
  own: readonly string[]
  /** `''`, or a path like `/goproxy`. */
  prefix: string
  /** The address for GOPROXY that the pages name. */
  addressFor: (req: IncomingMessage) => string
  /** What `go` needs to use that address. */
  clientSettings: (address: string) => readonly ClientSetting[]
}

export interface VanityAnswers {
  /**
   * Whether `go` asks for an import path that a rule is for: such a request comes before the pages, for a module may be
   * called `metrics`.
   */
  isAsked(req: IncomingMessage): boolean
  /**
   * Answers for an import path, and gives the bytes of the body; `undefined` for a request that is about something else.
   * Throws `no_endpoint` where `go` asks for a path that no rule is for.
   */
  answer(req: IncomingMessage, res: ServerResponse): number | undefined
}

/** Rules change with the configuration only; a change should still be seen within minutes. */
const CACHED = 'public, max-age=300'

/** Makes what answers for import paths by the rules of the configuration. */
export function createVanityAnswers({
  rules,
  own,
  prefix,
  addressFor,
  clientSettings,
}: VanityAnswersOptions): VanityAnswers {
  const find = createVanity(rules)
  const tails = own.map((path) => path.slice(path.indexOf('/')))

  /** Whether a request target could be about a module of our own, whatever host it is for. */
  function isBelow(url: string): boolean {
    return tails.some((tail) => url.includes(tail))
  }

  return {
    isAsked(req) {
      const target = rules.length > 0 || isBelow(rawTarget(req)) ? importTarget(req) : undefined
      return target?.byGo === true && (own.includes(target.path) || find(target.path) !== undefined)
    },
    answer(req, res) {
      const target = rules.length > 0 || isBelow(rawTarget(req)) ? importTarget(req) : undefined
      if (target === undefined || (!target.byGo && isEndpoint(target.urlPath, prefix))) return undefined
      if (own.includes(target.path))
        return sendPage(ownHtml(target.path, addressFor(req)), ['Vary', 'Accept', ...HTML], req, res)
      if (rules.length === 0) return undefined
      const found = find(target.path)
      if (found === undefined) {
        if (!target.byGo) return undefined
        throw new ModsteadError('no_endpoint', `this server knows no import path ${target.path}`, {
          next: 'check the spelling; who runs this server adds paths under vanity in its configuration',
        })
      }
      const address = addressFor(req)
      const facts = { ...found, address, settings: clientSettings(address) }
      if (target.byGo) return sendPage(vanityHtml(facts), HTML, req, res)
      const html = acceptsHtml(req)
      const headers = ['Vary', 'Accept', ...(html ? HTML : [])]
      return sendPage(html ? vanityHtml(facts) : vanityText(facts), headers, req, res)
    },
  }
}

/** Browsers ask for HTML; curl and its like accept anything, and get what a terminal can show. */
function acceptsHtml({ headers: { accept } }: IncomingMessage): boolean {
  return accept === undefined || /\btext\/html\b/.test(accept)
}

/** Paths of our own that also are import paths: what is there is not hidden by a page for whoever looks with a browser. */
function isEndpoint(urlPath: string, prefix: string): boolean {
  if (AT_ROOT.test(urlPath)) return true
  return urlPath.startsWith(`${prefix}/`) && BELOW_PREFIX.test(urlPath.slice(prefix.length))
}

const AT_ROOT = /^\/(?:hooks|api|auth|\.well-known)(?:\/|$)/
const BELOW_PREFIX =
  /^\/(?:(?:sumdb|lookup|tile|tlog|hooks|api|auth|\.well-known)(?:\/|$)|(?:latest|supported)$)/

const HTML = ['Content-Security-Policy', HTML_POLICY, 'Referrer-Policy', 'no-referrer']

function sendPage(
  text: string,
  headers: readonly string[],
  req: IncomingMessage,
  res: ServerResponse,
): number {
  const body = Buffer.from(text)
  const facts: SizedFacts = {
    contentType: `text/${text.startsWith('<') ? 'html' : 'plain'}; charset=utf-8`,
    cacheControl: CACHED,
    size: body.length,
    etag: `"${createHash('sha256').update(body).digest('hex')}"`,
    ranges: false,
  }
  return sendReady({ facts, headers: [...wholeHeaders(facts), ...headers], body }, req, res)
}
