import type { OriginCredentials, OriginTimeouts } from '../config/config.ts'
import type { OriginOptions, Validators } from '../proxy/origin.ts'
import { ModsteadError } from '../errors.ts'
import { readBody, readErrorText, streamBody } from './body.ts'
import { connect } from './connect.ts'
import { createConnections, type Lease } from './connections.ts'
import { createCredentials } from './credentials.ts'
import { startRun, type Run } from './deadline.ts'
import { exchange, type Exchange } from './exchange.ts'
import { duration, failure, peer, type Peer, type Role } from './failures.ts'
import type { FileTree } from './file-tree.ts'
import { VIA_HEADER, viaHeader } from './loop.ts'
import type { Outside } from './outside.ts'
import { isLoopbackAddress } from './public-address.ts'
import { isRedirect, reachFor, redirectTarget } from './redirects.ts'
import { withTries } from './retry.ts'
import { statusFailure } from './statuses.ts'
import { createTrust } from './trust.ts'

export interface HttpTreeOptions {
  role: Role
  /** `http:` or `https:`, may have a path and a login. */
  url: URL
  credentials?: OriginCredentials
  ca?: string
  timeouts: OriginTimeouts
  connections: number
  tries: number
  outside: Outside
}

/** Headers of one request besides those that depend on the host it goes to. */
type Headers = Record<string, string>

interface Answer {
  answer: Exchange
  from: Peer
}

const USER_AGENT = 'modstead'

/** Files below an http or https URL. Throws `config_invalid` where its credentials cannot be used. */
export function createHttpTree(options: HttpTreeOptions): FileTree {
  const { role, url, credentials, timeouts, tries, outside } = options
  const own = peer(role, url.host)
  const base = url.pathname.replace(/\/$/, '')
  const login = createCredentials({
    name: role.name,
    peer: own,
    base: url,
    ...(credentials && { configured: credentials }),
  })
  const certificate = credentials?.kind === 'clientCertificate' ? credentials : undefined
  const trust = createTrust({
    name: role.name,
    ...(options.ca !== undefined && { ca: options.ca }),
    ...(certificate && { certificate }),
  })
  const { proxies, lookup, observer } = outside
  const configuredHosts = new Set([...outside.configuredHosts, url.host])
  const connections = createConnections(options.connections, (target, run) =>
    connect(target, { role, timeouts, trust, proxies, ownHost: url.host, ...(lookup && { lookup }) }, run),
  )
  const triesMade = observer.counter(
    'modstead_origin_tries_total',
    'Requests sent to origins, repeated ones included.',
    ['origin'],
  )

  const onFailure = (error: ModsteadError, number: number): void =>
    observer.log.debug({ origin: role.name, code: error.code, number }, `trying again: ${error.message}`)

  function start(signal: AbortSignal): Run {
    const { total } = timeouts
    return startRun({
      signal,
      total,
      late: () => failure('upstream_timeout', own, `did not finish its answer within ${duration(total)}`),
    })
  }

  /** One try: the request and the redirects it leads through, up to headers that say 200 or 304. */
  async function ask(path: string, headers: Headers, options: OriginOptions): Promise<Answer | 'unchanged'> {
    let target = new URL(url.origin + base + encodePath(path))
    let fromLoopback = false
    for (let followed = 0; ; followed++) {
      const from = followed === 0 ? own : peer(role, target.host)
      const lease = { ...options, mayReach: reachFor(target, { configuredHosts, fromLoopback }) }
      const { answer, address } = await send(
        target,
        { ...headers, ...(await authorization(target)) },
        from,
        lease,
      )
      if (answer.status === 200) return { answer, from }
      if (answer.status === 304 && ('if-none-match' in headers || 'if-modified-since' in headers)) {
        await readErrorText(answer)
        return 'unchanged'
      }
      if (!isRedirect(answer.status)) throw await statusFailure(answer, from)
      await readErrorText(answer)
      target = redirectTarget(target, answer.headers.location, { followed, peer: from })
      fromLoopback = address !== undefined && isLoopbackAddress(address)
    }
  }

  async function authorization(target: URL): Promise<Headers> {
    const value = await login.authorizationFor(target)
    return value === undefined ? {} : { authorization: value }
  }

  /** A connection that was open before may be closed by now, which says nothing about the host: then a new one. */
  async function send(
    target: URL,
    headers: Headers,
    from: Peer,
    options: OriginOptions & { mayReach: (address: string) => boolean },
  ): Promise<{ answer: Exchange; address: string | undefined }> {
    const request = { path: target.pathname + target.search, headers, peer: from, timeouts }
    const lease = await connections.lease(target, { ...options, fresh: false })
    try {
      return await sendOn(lease, request)
    } catch (error) {
      const isStale = lease.reused && error instanceof ModsteadError && error.code === 'upstream_unreachable'
      if (!isStale) throw error
      return sendOn(await connections.lease(target, { ...options, fresh: true }), request)
    }
  }

  async function sendOn(
    lease: Lease,
    request: Parameters<typeof exchange>[1],
  ): Promise<{ answer: Exchange; address: string | undefined }> {
    triesMade.add(1, role.name)
    return { answer: await exchange(lease, request), address: lease.connection.address }
  }

  return {
    kind: 'http',
    peer: own,
    async read(path, options) {
      const run = start(options.signal)
      const { signal } = run
      const headers = { ...commonHeaders(options), 'accept-encoding': 'gzip', ...conditions(options.since) }
      try {
        return await withTries({ tries, signal, onFailure }, async () => {
          const asked = await ask(path, headers, { ...options, signal })
          if (asked === 'unchanged') return asked
          const { answer, from } = asked
          const bytes = await readBody(answer, { limit: options.limit, peer: from })
          const validators = validatorsOf(answer)
          return validators === undefined ? { bytes } : { bytes, validators }
        })
      } finally {
        run.end()
      }
    },
    async stream(path, options) {
      const run = start(options.signal)
      const { signal } = run
      const headers = { ...commonHeaders(options), 'accept-encoding': 'identity' }
      try {
        const asked = await withTries({ tries, signal, onFailure }, () =>
          ask(path, headers, { ...options, signal }),
        )
        if (asked === 'unchanged') throw new ModsteadError('internal', 'a zip was asked for with a condition')
        const { answer, from } = asked
        const chunks = streamBody(answer, { limit: options.limit, peer: from })
        void answer.over.then(run.end)
        return answer.size === undefined ? { chunks } : { size: answer.size, chunks }
      } catch (error) {
        run.end()
        throw error
      }
    },
    close: () => connections.close(),
  }

  function commonHeaders(options: OriginOptions): Headers {
    return { 'user-agent': USER_AGENT, [VIA_HEADER]: viaHeader(options.via, outside.via) }
  }
}

/** Percent-encodes a path as `go` does, so that caches on the way see the same URL from both. */
export function encodePath(path: string): string {
  const raw = path.split('/').map(encodeURIComponent).join('/')
  return `/${raw}`.replace(/%(24|26|2B|3A|3D|40)/g, decodeURIComponent).replace(/[!'()*]/g, percent)
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function conditions(since: Validators | undefined): Headers {
  return {
    ...(since?.etag !== undefined && { 'if-none-match': since.etag }),
    ...(since?.lastModified !== undefined && { 'if-modified-since': since.lastModified }),
  }
}

function validatorsOf(answer: Exchange): Validators | undefined {
  const { etag, 'last-modified': lastModified } = answer.headers
  if (etag === undefined && lastModified === undefined) return undefined
  return { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) }
}
