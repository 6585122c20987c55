import type { GitOriginConfig } from '../../../config/config.ts'
import type { ModsteadError } from '../../../errors.ts'
import { createFlights, waitFor } from '../../../proxy/flights.ts'
import type { OnBehalf } from '../../../proxy/origin.ts'
import { readErrorText } from '../../body.ts'
import { startRun } from '../../deadline.ts'
import type { Exchange } from '../../exchange.ts'
import { duration, failure, type Peer } from '../../failures.ts'
import { VIA_HEADER, viaHeader } from '../../loop.ts'
import type { Outside } from '../../outside.ts'
import { isPublicAddress } from '../../public-address.ts'
import { isRedirect, redirectTarget } from '../../redirects.ts'
import { retryAfter, withTries, mayRetry } from '../../retry.ts'
import type { DiscoverOptions } from './found.ts'
import { parseGoImports, type GoImport } from './go-import.ts'
import type { Chosen, Logins } from './logins.ts'
import type { Web } from './web.ts'

/** What the host of a path says about it. */
export interface Page {
  /** Whom the page came from, after all redirects. */
  peer: Peer
  imports: readonly GoImport[]
  /** Hosts that were asked on the way, the last one included. */
  hosts: readonly string[]
  /** All of them are configured: what the page says is our own side's word. */
  trusted: boolean
}

/** The go-import pages of paths, one request at a time for each, and remembered for some minutes. */
export interface Pages {
  /**
   * Any status may carry tags, as `go` has it. Without tags, throws `not_found`, or what the status says of an outage or
   * of our credentials; besides, what asking throws, and `upstream_invalid` for what may not be asked.
   */
  read(path: string, options: DiscoverOptions): Promise<Page>
}

/** How long a page with tags counts. Milliseconds. */
const REMEMBERED = 5 * 60_000
const MOST_REMEMBERED = 10_000
const TRIES = 2

export function createPages(options: {
  config: Pick<GitOriginConfig, 'timeouts' | 'limits'>
  outside: Outside
  logins: Logins
  web: Web
}): Pages {
  const { config, outside, logins, web } = options
  const { total } = config.timeouts
  const flights = createFlights<Page>()
  const remembered = new Map<string, { page: Page; until: number }>()

  async function fetchPage(path: string, options: Omit<DiscoverOptions, 'signal'>): Promise<Page> {
    const url = pageUrl(path)
    const late = () =>
      failure('upstream_timeout', web.peerOf(url), `did not say within ${duration(total)} where ${path} is`)
    const { signal, end } = startRun({ signal: new AbortController().signal, total, late })
    try {
      const page = await withTries({ tries: TRIES, signal }, () => follow(url, path, { ...options, signal }))
      remember(path, page)
      return page
    } finally {
      end()
    }
  }

  async function follow(first: URL, path: string, options: DiscoverOptions): Promise<Page> {
    const hosts: string[] = []
    let target = first
    let trusted = true
    for (let followed = 0; ; followed++) {
      const peer = web.peerOf(target)
      refuseUnasked(target, options, peer)
      hosts.push(target.host)
      // Behind a host that is not configured, no other is taken for one that is: a stranger led there.
      trusted &&= logins.isConfigured(target)
      const { answer, chosen, authorized } = await ask(target, { trusted, options })
      if (isRedirect(answer.status)) {
        await readErrorText(answer)
        target = redirectTarget(target, answer.headers.location, { followed, peer })
        continue
      }
      const imports = parseGoImports(await readPage(answer, { limit: config.limits.page, peer }))
      if (imports.length === 0) throw absence(answer, { path, peer, chosen, authorized })
      return { peer, imports, hosts, trusted }
    }
  }

  async function ask(
    url: URL,
    { trusted, options }: { trusted: boolean; options: DiscoverOptions },
  ): Promise<{ answer: Exchange; chosen: Chosen; authorized: boolean }> {
    const headers = {
      'accept-encoding': 'identity',
      [VIA_HEADER]: viaHeader(options.via, outside.via),
    }
    const mayReach = trusted ? () => true : isPublicAddress
    const chosen = trusted ? logins.choose(url, { mapped: false }) : logins.none
    const trust = await chosen.trust()
    for (let again = false; ; again = true) {
      const shown = await chosen.show(url, options.signal)
      const authorized = shown.header !== undefined
      const all = { ...headers, ...(shown.header !== undefined && { authorization: shown.header }) }
      const answer = await web.send({ url, headers: all, trust, mayReach }, options)
      if (answer.status !== 401 || again || !shown.refused()) return { answer, chosen, authorized }
      answer.abandon()
    }
  }

  /**
   * Why a page without tags is no answer. 403 is absence: a front page that is closed to all answers so as well, and
   * `go` asks for it on its way to every module below. 401 never is: it says that we are not known, and nothing of the
   * page.
   */
  function absence(
    answer: Exchange,
    context: { path: string; peer: Peer; chosen: Chosen; authorized: boolean },
  ): ModsteadError {
    const { path, peer, chosen, authorized } = context
    const { status } = answer
    const { label } = chosen
    if (status === 429) return failure('upstream_refused', peer, 'gets too many requests from us (429)')
    if (status >= 500) {
      const error = failure('upstream_failed', peer, `answered ${status} when asked where ${path} is`)
      return status > 501 ? mayRetry(error, retryAfter(answer.headers['retry-after'], Date.now())) : error
    }
    if (status === 401 || status === 407)
      return failure(
        'upstream_refused',
        peer,
        `refuses ${authorized ? label : 'to answer without credentials'} (${status})`,
        {
          next: 'ask the operators of this modstead to check the credentials configured for that host',
        },
      )
    const said = status === 200 ? '' : ` (${status}${authorized ? ` with ${label}` : ''})`
    return failure('not_found', peer, `names no repository for ${path}${said}`)
  }

  function remember(path: string, page: Page): void {
    remembered.delete(path)
    remembered.set(path, { page, until: Date.now() + REMEMBERED })
    const oldest = remembered.keys().next().value
    if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
  }

  return {
    async read(path, options) {
      const url = pageUrl(path)
      refuseUnasked(url, options, web.peerOf(url))
      const known = remembered.get(path)
      const page =
        known !== undefined && known.until > Date.now()
          ? known.page
          : await waitFor(
              flights.join(path, (promoted) => fetchPage(path, together(options, promoted)), {
                priority: options.priority,
              }),
              options.signal,
            )
      // Whoever began may have been let ask more hosts than this one.
      for (const host of page.hosts) {
        const asked = new URL(`https://${host}`)
        refuseUnasked(asked, options, web.peerOf(asked))
      }
      return page
    },
  }
}

/** `https://corp.example/team/tool?go-get=1`. A module path needs no escapes in a URL. */
function pageUrl(path: string): URL {
  const url = new URL(`https://${path}`)
  url.search = '?go-get=1'
  return url
}

/** Work for all who wait: it goes on as a client's when the first client joins. */
function together(
  options: DiscoverOptions,
  promoted: AbortSignal,
): OnBehalf & Pick<DiscoverOptions, 'mayAsk'> {
  const { priority, via, mayAsk } = options
  return { priority, promoted, mayAsk, ...(via !== undefined && { via }) }
}

/** Throws `upstream_invalid` where the route of the module does not let its host be asked. */
export function refuseUnasked(url: URL, options: Pick<DiscoverOptions, 'mayAsk'>, peer: Peer): void {
  if (options.mayAsk(url.host)) return
  throw failure('upstream_invalid', peer, 'may not hear of this module', {
    next: 'ask the operators of this modstead whether that host belongs to the route of the module',
  })
}

/** The page, or as much of its beginning as is read at most: tags stand in the head. */
async function readPage(answer: Exchange, options: { limit: number; peer: Peer }): Promise<string> {
  const { limit, peer } = options
  const encoding = answer.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    answer.abandon()
    throw failure('upstream_invalid', peer, 'sent a page in an encoding that was not asked for')
  }
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer.body) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= limit) break
  }
  return Buffer.concat(chunks, length).subarray(0, limit).toString('utf8')
}
