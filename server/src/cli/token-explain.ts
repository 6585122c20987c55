import { readFile } from 'node:fs/promises'
import { resolve as resolvePath } from 'node:path'
import { flatClaims, shownClaims } from '../access/workloads/claims.ts'
import { identityOf, ruleFor } from '../access/workloads/rules.ts'
import type { WorkloadIssuer } from '../config/access/access-config.ts'
import type { Flags } from '../config/settings.ts'
import { formatDuration } from '../config/units.ts'
import { ModsteadError } from '../errors.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/** Bytes: more than any header takes. */
const LARGEST = 64 << 10

/**
 * `modstead token explain FILE`: what the rules of the configuration make of the token of a job. Its signature is not
 * looked at: nobody is asked for keys. Exits with 1 where it would be refused. Throws `config_invalid` for a file that
 * cannot be read, or holds no JSON Web Token.
 */
export async function explainToken(file: string, flags: Flags, context: CommandContext): Promise<number> {
  const { config } = await readConfig(context, flags)
  const { header, claims } = parse((await read(resolvePath(context.cwd, file))).trim())
  const { lines, taken } = explain(header, claims, config.access?.workloads ?? [])
  context.stdout.write(`${lines.join('\n')}\n`)
  return taken ? EXIT.ok : EXIT.failure
}

/** A sentence for each step, until one refuses. */
function explain(
  header: Record<string, unknown>,
  claims: Record<string, unknown>,
  issuers: readonly WorkloadIssuer[],
): { lines: string[]; taken: boolean } {
  const lines = ['claims, unproven (the signature is not looked at here):']
  const flat = flatClaims(claims)
  for (const [name, value] of Object.entries(shownClaims(flat))) lines.push(`  ${name}: ${clean(value)}`)
  const refused = (reason: string) => ({ lines: [...lines, `refused: ${reason}`], taken: false })

  const issuer = issuers.find(({ issuer }) => issuer === claims.iss)
  if (issuer === undefined)
    return refused('no entry of access.workloads has its issuer (iss), exactly as it is')
  lines.push(`issuer: access.workloads.${issuer.name}`)
  if (!issuer.algorithms.includes(String(header.alg)))
    return refused(`its alg is ${clean(String(header.alg))}, and ${issuer.algorithms.join(', ')} are taken`)
  const audiences = flat.get('aud') ?? []
  if (!issuer.audience.some((audience) => audiences.includes(audience)))
    return refused(`its audience (aud) is none of ${issuer.audience.join(', ')}`)
  const now = Date.now()
  const { exp, nbf } = claims
  if (typeof exp !== 'number') return refused('it has no end (exp)')
  if (exp * 1000 + issuer.clockSkew <= now) return refused(`it has expired, ${time(exp)}`)
  if (typeof nbf === 'number' && nbf * 1000 - issuer.clockSkew > now)
    return refused(`it is not valid before ${time(nbf)}`)
  const rule = ruleFor(flat, issuer.rules)
  if (rule === undefined) return refused(`none of the ${issuer.rules.length} rules fits`)
  lines.push(`rule: access.workloads.${issuer.name}.rules[${issuer.rules.indexOf(rule)}]`)
  const identity = identityOf(rule, flat)
  if (typeof identity === 'string') return refused(identity)
  lines.push(
    `bearer: ${identity.kind}:${identity.id}`,
    `groups: ${identity.groups.join(', ') || 'none'}`,
    `at most: ${rule.permissions?.join(', ') ?? 'all that its bindings say'}${rule.modules === undefined ? '' : `, for ${rule.modules.join(', ')}`}`,
    `holds: ${rule.untilTokenEnds ? `until ${time(exp)}, a day at most` : formatDuration(rule.lifetime)}`,
  )
  return { lines, taken: true }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new ModsteadError('config_invalid', `cannot read ${path} (${code})`, { cause })
  }
}

function parse(token: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [head, body, signature] = token.length > LARGEST ? [] : token.split('.')
  const [header, claims] = [head, body].map((part) => objectIn(part ?? ''))
  if (header !== undefined && claims !== undefined && signature !== undefined) return { header, claims }
  throw new ModsteadError('config_invalid', 'what stands in the file is no JSON Web Token', {
    next: 'give it the token of a job: modstead token explain id-token',
  })
}

function objectIn(part: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function time(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? 'a time that is none' : date.toISOString()
}

/** Others wrote it, and it goes to a terminal. */
function clean(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?')
}
