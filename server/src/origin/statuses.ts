import type { ModsteadError } from '../errors.ts'
import { readErrorText } from './body.ts'
import type { Exchange } from './exchange.ts'
import { failure, type Peer } from './failures.ts'
import { quotable, quotableLines } from './plain-text.ts'
import { mayRetry, retryAfter } from './retry.ts'

/** What a host said in several lines, as a modstead does: the cause, then the next step. */
export interface HostWords {
  /** As it stands in the message of the error. */
  quoted: string
  cause: string
  /** Sentences. */
  next: string
}

const words = new WeakMap<Error, HostWords>()

/** The words of a host in an error of `statusFailure`; `undefined` where it said one line or nothing. */
export function hostWordsOf(error: Error): HostWords | undefined {
  return words.get(error)
}

/**
 * What a status other than 200 means: `not_found` for 404 and 410 and nothing else, `upstream_refused` for 401, 403,
 * 407 and 429, `upstream_failed` otherwise. 502, 503, 504, and 429 with a time to come back, are marked as retryable.
 * What the host says is quoted, but for the `authorization` it was sent: some repeat it, and anybody may read the error.
 */
export async function statusFailure(
  answer: Exchange,
  peer: Peer,
  authorization?: string,
): Promise<ModsteadError> {
  const { status, headers } = answer
  const text = withoutSecrets(await readErrorText(answer), authorization)
  const error = failureFor(
    { status, after: retryAfter(headers['retry-after'], Date.now()) },
    peer,
    quotable(text),
  )
  const [cause, ...next] = quotableLines(text)
  if (cause !== undefined && next.length > 0)
    words.set(error, { quoted: quotable(text), cause, next: next.map(asSentence).join(' ') })
  return error
}

function failureFor(
  { status, after }: { status: number; after: number | undefined },
  peer: Peer,
  text: string,
): ModsteadError {
  const said = text === '' ? '' : `: ${text}`
  switch (status) {
    case 404:
    case 410:
      return failure('not_found', peer, `does not have it${said}`)
    case 401:
    case 407:
      return failure('upstream_refused', peer, `wants other credentials (${status})${said}`, {
        next: 'ask the operators of this modstead to check the credentials configured for it',
      })
    case 403:
      return failure('upstream_refused', peer, `does not allow it (403)${said}`)
    case 429:
      return tooMany(failure('upstream_refused', peer, `gets too many requests from us (429)${said}`), after)
    case 502:
    case 503:
    case 504:
      return mayRetry(failure('upstream_failed', peer, `is out of order (${status})${said}`), after)
    default:
      return failure('upstream_failed', peer, `answered ${status}${said}`)
  }
}

function asSentence(line: string): string {
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.!?…]$/.test(line) ? '' : '.'}`
}

/** The text without a credential in any form it was sent in: encoded, decoded, or the password alone. */
function withoutSecrets(text: string, authorization: string | undefined): string {
  if (authorization === undefined) return text
  const [scheme = '', token = ''] = authorization.split(' ', 2)
  const login = scheme.toLowerCase() === 'basic' ? Buffer.from(token, 'base64').toString('utf8') : ''
  const password = login.slice(login.indexOf(':') + 1)
  return [token, login, password]
    .filter((secret) => secret !== '')
    .reduce((rest, secret) => rest.replaceAll(secret, '(hidden)'), text)
}

/** Only a host that says when to come back wants us to. */
function tooMany(error: ModsteadError, after: number | undefined): ModsteadError {
  return after === undefined ? error : mayRetry(error, after)
}
