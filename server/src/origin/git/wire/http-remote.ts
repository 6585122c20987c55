import type { ModsteadError } from '../../../errors.ts'
import type { OriginOptions } from '../../../proxy/origin.ts'
import { readBody, readErrorText } from '../../body.ts'
import { startRun } from '../../deadline.ts'
import type { Exchange } from '../../exchange.ts'
import { duration, failure, type Peer } from '../../failures.ts'
import { statusFailure } from '../../statuses.ts'
import type { Accepted } from './accepted.ts'
import type { Access, RemoteAccess } from '../where/access.ts'
import { readRefs } from './advertisement-of.ts'
import type { RemoteRefs } from './advertisement.ts'
import type { Authorities } from '../where/authorities.ts'
import type { FoundRepository } from '../where/found.ts'
import type { GitSetting } from '../programs/git-environment.ts'
import { BadPacket } from './packets.ts'
import type { FetchFrom, Remote } from './remote.ts'
import type { HostRequest } from '../where/web.ts'

export interface HttpRemoteOptions {
  key: string
  repository: FoundRepository
  access: Access
  /** Sends one request; redirects are ours to follow. */
  send(request: HostRequest, repository: FoundRepository, options: OriginOptions): Promise<Exchange>
  peerOf(url: URL): Peer
  /** Which credentials were accepted by which hosts. */
  accepted: Accepted
  authorities: Authorities
  /** Whether the configuration names the host of a URL. */
  isConfigured(url: URL): boolean
  /** Whether the repository may be at another host (with its port where that is not the usual one) than it is found at. */
  mayAsk(host: string): boolean
  /** Bytes that the refs may have. */
  limit: number
  /** Milliseconds that git waits for more bytes, and that finding out the refs may take as a whole. */
  idle: number
  total: number
}

/** Some hosts hide from strangers what they show to git. */
const AGENT = 'git/2 (modstead)'
const REQUEST = 'application/x-git-upload-pack-request'
const RESULT = 'application/x-git-upload-pack-result'
const FOR_CLIENT = { priority: 'client' } as const

/** Redirects in a row that are followed: hosts rename repositories, and add `.git`. */
const MOST_REDIRECTS = 5
const REFS = '/info/refs'
const ADVERTISEMENT = 'application/x-git-upload-pack-advertisement'

/** How hosts answer to a version of the protocol that they do not speak. */
const OTHER_VERSION = new Set([400, 405, 415, 500, 501])

/** A repository behind http (the smart protocol of gitprotocol-http(5)). */
export function createHttpRemote(options: HttpRemoteOptions): Remote {
  const { key, repository, access, send, peerOf, accepted, authorities, limit, idle, total } = options
  const { isConfigured, mayAsk } = options
  const { goUrl } = repository
  /** Where the repository turned out to be, after redirects. */
  let found = repository

  async function refs(signal: AbortSignal): Promise<RemoteRefs> {
    const late = (): ModsteadError =>
      failure('upstream_timeout', peerOf(repository.url), `did not give its refs within ${duration(total)}`)
    // Everyone who asks for the refs waits for this: a host that sends a byte now and then must not hold it.
    const run = startRun({ signal, total, late })
    try {
      return await follow(run.signal)
    } finally {
      run.end()
    }
  }

  async function follow(signal: AbortSignal): Promise<RemoteRefs> {
    let at = repository
    for (let followed = 0; followed <= MOST_REDIRECTS; followed++) {
      const answer = await ask(at, signal)
      if (answer instanceof URL) {
        at = movedTo(answer, at)
        continue
      }
      found = at
      return readRefs(answer, goUrl)
    }
    throw failure('upstream_invalid', peerOf(repository.url), `redirected more than ${MOST_REDIRECTS} times`)
  }

  /**
   * Where a repository is after a redirect. Only a host that we know may lead to others as what we are there: a stranger's
   * could otherwise have us fetch for him what is shown to us alone. Throws `upstream_invalid` for a host that the route
   * of the modules does not name.
   */
  function movedTo(url: URL, from: FoundRepository): FoundRepository {
    if (url.host !== repository.url.host && !mayAsk(url.host))
      throw failure('upstream_invalid', peerOf(from.url), `says that ${goUrl} is at ${url.host} now`, {
        next: 'if it may be there, add that host to hosts of the route of its modules',
      })
    const isSame = url.host === from.url.host
    const isOurs = from.configured || isConfigured(from.url)
    return {
      ...from,
      url,
      configured: from.configured && isSame,
      trusted: from.trusted && (isSame || isOurs),
    }
  }

  /** The advertisement, or where it is instead. */
  async function ask(at: FoundRepository, signal: AbortSignal): Promise<Buffer | URL> {
    const headers = { 'accept-encoding': 'gzip' }
    const { used, answer } = await request(
      at,
      { service: `${REFS}?service=git-upload-pack`, headers },
      signal,
    )
    return read(at, used, answer)
  }

  /** Asks a service of the repository. A token that was refused is replaced once. */
  async function request(
    at: FoundRepository,
    asked: { service: string; headers: Record<string, string>; body?: string },
    signal: AbortSignal,
  ): Promise<{ used: RemoteAccess; answer: Exchange }> {
    const { service, body } = asked
    const url = new URL(`${at.url.href.replace(/\/$/, '')}${service}`)
    const attempt = async (): Promise<{ used: RemoteAccess; answer: Exchange }> => {
      const used = await access.accessTo(at, { signal })
      const { authorization } = used
      const headers = { ...asked.headers, 'user-agent': AGENT, ...(authorization && { authorization }) }
      const post = body === undefined ? {} : ({ method: 'POST', body } as const)
      return { used, answer: await send({ url, headers, ...post }, at, { signal, ...FOR_CLIENT }) }
    }
    const first = await attempt()
    if (first.answer.status !== 401 || !access.refused(first.used)) return first
    await readErrorText(first.answer)
    return attempt()
  }

  async function read(at: FoundRepository, used: RemoteAccess, answer: Exchange): Promise<Buffer | URL> {
    const { status, headers } = answer
    const from = peerOf(at.url)
    if (status === 200 && headers['content-type'] === ADVERTISEMENT) {
      if (used.authorization !== undefined) accepted.note(at.url.host, used.entry)
      return readBody(answer, { limit, peer: from })
    }
    if (isPage(answer)) {
      answer.abandon()
      throw instead(at, used)
    }
    if (status === 200) {
      answer.abandon()
      throw failure('not_found', from, `has no git repository at ${at.url.pathname}, but something else`)
    }
    if ([301, 302, 303, 307, 308].includes(status)) {
      await readErrorText(answer)
      const target = redirected(at, headers.location, from)
      if (target === undefined) throw instead(at, used)
      return target
    }
    throw await refused(at, used, answer)
  }

  async function refused(at: FoundRepository, used: RemoteAccess, answer: Exchange): Promise<ModsteadError> {
    const { status } = answer
    const refusal = await statusFailure(answer, peerOf(at.url), used.authorization)
    return status === 401 || status === 403 ? explained(at, used, status, refusal) : refusal
  }

  /**
   * What a refusal means: that of a credential, or of one repository, which hosts hide in this way. Who answers 401 to
   * credentials does not know them, whatever is asked for: taken for an absence, a token that has expired would make
   * everything vanish.
   */
  function explained(
    { url }: FoundRepository,
    { authorization, entry }: RemoteAccess,
    status: number,
    refusal: ModsteadError,
  ): ModsteadError {
    const from = peerOf(url)
    if (authorization === undefined && status === 401)
      return failure('not_found', from, `has no repository ${url.pathname} for who shows no credentials`, {
        next: 'check the spelling; for a private repository, configure credentials for its host',
      })
    if (authorization === undefined) return refusal
    if (status === 401) accepted.withdraw(url.host, entry)
    if (accepted.has(url.host, entry))
      return failure('not_found', from, `has no repository ${url.pathname}, or does not show it to ${entry}`)
    return failure('upstream_refused', from, `refused ${entry} (${status})`, {
      cause: refusal,
      next: 'who runs this modstead should check that entry of the configuration',
    })
  }

  /**
   * A page in place of a repository. To credentials, hosts show one that asks to sign in when they do not know them,
   * whatever is asked for: as 401, that is no absence. Who shows none cannot tell it from a page that is there for all.
   */
  function instead({ url }: FoundRepository, { authorization, entry }: RemoteAccess): ModsteadError {
    const from = peerOf(url)
    if (authorization === undefined)
      return failure(
        'not_found',
        from,
        `has no repository at ${url.pathname} for who shows no credentials, but a web page`,
        { next: 'check the spelling; for a private repository, configure credentials for its host' },
      )
    accepted.withdraw(url.host, entry)
    return failure(
      'upstream_refused',
      from,
      `shows a web page to ${entry}, and no repository at ${url.pathname}`,
      {
        next: 'who runs this modstead should check that entry: hosts ask to sign in where it is wrong or has expired',
      },
    )
  }

  async function upload(body: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const headers = { 'content-type': REQUEST, accept: RESULT, 'git-protocol': 'version=2' }
    const { used, answer } = await request(found, { service: '/git-upload-pack', headers, body }, signal)
    if (answer.status === 200 && answer.headers['content-type'] === RESULT) return answer.body
    if (answer.status !== 200 && !OTHER_VERSION.has(answer.status)) throw await refused(found, used, answer)
    answer.abandon()
    throw new BadPacket(`answered ${answer.status} to version 2 of git’s protocol`)
  }

  async function fetchFrom(signal: AbortSignal): Promise<FetchFrom> {
    const { url } = found
    const used = await access.accessTo(found, { signal })
    const { authorization, certificate, resolve, proxy } = used
    const scheme = url.protocol.slice(0, -1)
    const settings: GitSetting[] = [
      [`protocol.${scheme}.allow`, 'always'],
      ['http.proxy', proxy ?? ''],
      ['http.lowSpeedLimit', '1'],
      ['http.lowSpeedTime', String(Math.max(1, Math.round(idle / 1000)))],
    ]
    if (url.protocol === 'https:') settings.push(['http.sslCAInfo', await authorities.bundle(used.ca)])
    if (authorization !== undefined)
      settings.push([`http.${url.origin}/.extraHeader`, `Authorization: ${authorization}`])
    if (certificate !== undefined)
      settings.push(['http.sslCert', certificate.cert], ['http.sslKey', certificate.key])
    if (resolve !== undefined) settings.push(['http.curloptResolve', resolve])
    return { url: url.href, settings, environment: {} }
  }

  const entry = async (signal: AbortSignal) => (await access.accessTo(repository, { signal })).entry
  return { key, host: repository.url.host, url: goUrl, entry, refs, upload, fetchFrom }
}

/** Some hosts send the page to sign in with 203. */
function isPage({ status, headers }: Exchange): boolean {
  return (
    (status === 200 || status === 203) &&
    /^(text\/html|application\/xhtml\+xml)\b/i.test(headers['content-type'] ?? '')
  )
}

/** A repository moves as a whole: what it leads to must be the refs of a repository again. `undefined` for another page. */
function redirected({ url }: FoundRepository, location: string | undefined, from: Peer): URL | undefined {
  const target = location === undefined ? null : URL.parse(location, `${url.href}/`)
  if (target === null || !['https:', 'http:'].includes(target.protocol))
    throw failure('upstream_invalid', from, 'redirected without saying where to')
  if (url.protocol === 'https:' && target.protocol === 'http:')
    throw failure('upstream_invalid', from, 'redirected from https to plain http, which is not followed')
  if (!target.pathname.endsWith(REFS)) return undefined
  target.pathname = target.pathname.slice(0, -REFS.length)
  target.search = ''
  target.hash = ''
  target.username = ''
  target.password = ''
  return target
}
