import type { OriginOptions, Validators } from '../proxy/origin.ts'
import { ModsteadError } from '../errors.ts'
import { readBody, streamBody } from './body.ts'
import { startRun, type Run } from './deadline.ts'
import type { Exchange } from './exchange.ts'
import { duration, failure, peer } from './failures.ts'
import type { FileTree } from './file-tree.ts'
import { VIA_HEADER, viaHeader } from './loop.ts'
import { createRequester, type Answer, type Headers, type RequesterOptions } from './requester.ts'
import { withTries } from './retry.ts'

export interface HttpTreeOptions extends RequesterOptions {
  /** Tries at most of one request. */
  tries: number
  /** Sent with every request; names in lower case. */
  headers?: Headers
}

const USER_AGENT = 'modstead'

/**
 * Files below an http or https URL, which may have a path and a login. Throws `config_invalid` where its credentials
 * or certificates cannot be used.
 */
export function createHttpTree(options: HttpTreeOptions): FileTree {
  const { role, url, timeouts, tries, headers: always, outside } = options
  const own = peer(role, url.host)
  const base = url.origin + url.pathname.replace(/\/$/, '')
  const requester = createRequester(options)

  function start(signal: AbortSignal): Run {
    const { total } = timeouts
    return startRun({
      signal,
      total,
      late: () => failure('upstream_timeout', own, `did not finish its answer within ${duration(total)}`),
    })
  }

  function ask(path: string, headers: Headers, options: OriginOptions): Promise<Answer | 'unchanged'> {
    const via = viaHeader(options.via, outside.via)
    const all = { 'user-agent': USER_AGENT, [VIA_HEADER]: via, ...always, ...headers }
    return requester.ask(new URL(base + encodePath(path)), all, options)
  }

  function onFailure(error: ModsteadError, number: number): void {
    const fields = { origin: role.name, code: error.code, number }
    outside.observer.log.debug(fields, `trying again: ${error.message}`)
  }

  return {
    kind: 'http',
    peer: own,
    async read(path, options) {
      const run = start(options.signal)
      const { signal } = run
      const headers = { 'accept-encoding': 'gzip', ...conditions(options.since) }
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
      const headers = { 'accept-encoding': 'identity' }
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
    close: () => requester.close(),
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
