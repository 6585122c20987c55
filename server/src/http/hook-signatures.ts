/**
 * Whether a request comes from who knows the secret of a hook, by the scheme of each product. The body counts as it
 * came, byte for byte, and is not looked into before; of a form from Gitea or Forgejo it is the decoded `payload` that
 * counts. All comparisons take the same time wherever the texts differ.
 *
 * | type    | header                                      | holds                                                      |
 * |---------|---------------------------------------------|------------------------------------------------------------|
 * | gitlab  | `X-Gitlab-Token`                            | the secret itself                                          |
 * | gitlab  | `webhook-signature` (secret of `whsec_…`)   | `v1,` and base64 of the HMAC of `id.timestamp.body`        |
 * | github  | `X-Hub-Signature-256`                       | `sha256=` and hex of the HMAC of the body                  |
 * | gitea   | `X-Forgejo-Signature`, `X-Gitea-Signature`  | hex of the HMAC of the body, or of the payload in a form   |
 * | generic | `Modstead-Signature`                        | `t=TIME,v1=` and hex of the HMAC of `TIME.body`            |
 *
 * The HMAC is that of SHA-256. GitLab's is the form of standardwebhooks.com.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { HookConfig } from '../config/config.ts'
import { SIGNING_TOKEN } from '../config/hooks.ts'

export interface SignedRequest {
  headers: IncomingHttpHeaders
  /** What the product signs: the body, or the payload in a form from Gitea. */
  body: Buffer
  /** Milliseconds since the epoch. */
  now: number
}

/** How far the time in a signature may be from ours. Milliseconds. */
export const TOLERANCE = 5 * 60_000
/** Signatures of one request that are tried: a sender that changes its secret signs with both. */
const MOST_SIGNATURES = 8

/** What is wrong with the signature, as a sentence without its end that holds nothing of it; `undefined` if it is right. */
export function signatureProblem(hook: HookConfig, request: SignedRequest): string | undefined {
  switch (hook.type) {
    case 'gitlab':
      return hook.secret.startsWith(SIGNING_TOKEN)
        ? standardProblem(hook.secret.slice(SIGNING_TOKEN.length), request)
        : tokenProblem(hook.secret, request)
    case 'github':
      return hmacProblem(hook.secret, request, ['x-hub-signature-256'], 'sha256=')
    case 'gitea':
      return hmacProblem(hook.secret, request, ['x-forgejo-signature', 'x-gitea-signature'], '')
    case 'generic':
      return genericProblem(hook.secret, request)
  }
}

/** The value of `Modstead-Signature` for a body that is sent at `time`, in seconds since the epoch. */
export function signGeneric(secret: string, time: number, body: Buffer | string): string {
  return `t=${time},v1=${hmac(secret, `${time}.`, body).toString('hex')}`
}

function tokenProblem(secret: string, { headers }: SignedRequest): string | undefined {
  const token = headerOf(headers, 'x-gitlab-token')
  if (token === undefined) return missing('X-Gitlab-Token')
  // Hashes are of one length whatever the texts are.
  return timingSafeEqual(sha256(token), sha256(secret)) ? undefined : 'the token is not the one of this hook'
}

function hmacProblem(
  secret: string,
  { headers, body }: SignedRequest,
  names: readonly string[],
  prefix: string,
): string | undefined {
  const value = names.map((name) => headerOf(headers, name)).find((text) => text !== undefined)
  if (value === undefined) return missing(names.join(' or '))
  const given = value.startsWith(prefix) ? hexDigest(value.slice(prefix.length)) : undefined
  return isOneOf([given], hmac(secret, body)) ? undefined : WRONG
}

function standardProblem(key: string, { headers, body, now }: SignedRequest): string | undefined {
  const id = headerOf(headers, 'webhook-id')
  const time = headerOf(headers, 'webhook-timestamp')
  const signatures = headerOf(headers, 'webhook-signature')
  if (id === undefined || time === undefined || signatures === undefined)
    return missing('webhook-signature, webhook-id or webhook-timestamp')
  const given = signatures.split(' ').map((text) => (text.startsWith('v1,') ? text.slice('v1,'.length) : ''))
  const right = hmac(Buffer.from(key, 'base64'), `${id}.${time}.`, body)
  return isOneOf(given.map(base64Digest), right) ? timeProblem(time, now) : WRONG
}

function genericProblem(secret: string, { headers, body, now }: SignedRequest): string | undefined {
  const value = headerOf(headers, 'modstead-signature')
  if (value === undefined) return missing('Modstead-Signature')
  const fields = value.split(',').map((field) => field.trim())
  const times = fields.filter((field) => field.startsWith('t='))
  const [time = ''] = times.map((field) => field.slice('t='.length))
  const given = fields.filter((field) => field.startsWith('v1=')).map((field) => field.slice('v1='.length))
  const right = hmac(secret, `${time}.`, body)
  return times.length === 1 && isOneOf(given.map(hexDigest), right) ? timeProblem(time, now) : WRONG
}

const WRONG = 'the signature is not one of the secret of this hook over this body'

function missing(header: string): string {
  return `the request is not signed: it has no header ${header}`
}

/** Only asked about times that are signed. */
function timeProblem(seconds: string, now: number): string | undefined {
  const age = Math.abs(now - Number(seconds) * 1000)
  if (/^\d{1,12}$/.test(seconds) && age <= TOLERANCE) return undefined
  return `the signature is ${TOLERANCE / 60_000} minutes or more away from the time of this server`
}

function isOneOf(given: readonly (Buffer | undefined)[], right: Buffer): boolean {
  let found = false
  for (const digest of given.slice(0, MOST_SIGNATURES))
    if (digest !== undefined && timingSafeEqual(digest, right)) found = true
  return found
}

function hexDigest(text: string): Buffer | undefined {
  return /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : undefined
}

function base64Digest(text: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined
}

function hmac(key: string | Buffer, ...parts: (string | Buffer)[]): Buffer {
  const digest = createHmac('sha256', key)
  for (const part of parts) digest.update(part)
  return digest.digest()
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Node joins a header that comes twice, which then is no signature of anything. */
function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
