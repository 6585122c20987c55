import { checkPattern } from '@modstead/gomod/pattern'
import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import { described, type Principal } from '../../access/principal.ts'
import { type TokenRecord, type TokenRecords, untilNoneIsFresh } from '../../access/tokens/access-tokens.ts'
import { issueToken, parseOwner, TOKEN_LIFETIME } from '../../access/tokens/issue-token.ts'
import { isTokenId } from '../../access/tokens/token-format.ts'
import { type Permission, PERMISSIONS } from '../../config/permissions.ts'
import { parseDuration } from '../../config/units.ts'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { remarkProblem } from '../../proxy/remark.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'
import { before, limit, nextBefore } from './fields.ts'
import { tokenJson, tokenSchema } from './token-json.ts'

export interface TokenEndpointsOptions {
  tokens: Pick<TokenRecords, 'token' | 'tokens' | 'addToken' | 'revokeToken'>
  access: Pick<Access, 'decide'>
  log: Logger
}

type Owner = TokenRecord['owner']

const owner = z
  .string()
  .transform((text, context): Owner => {
    const owner = parseOwner(text)
    if (owner !== undefined) return owner
    context.addIssue('is neither user:NAME nor service:NAME')
    return z.NEVER
  })
  .meta({ examples: ['user:alice', 'service:ci'] })

const wanted = z.strictObject({
  for: owner.optional().meta({ description: 'Whose token it is. Default: of whoever asks.' }),
  note: z
    .string('is not a text')
    .superRefine((text, context) => {
      const problem = text === '' ? undefined : remarkProblem(text)
      if (problem !== undefined) context.addIssue(problem)
    })
    .prefault('')
    .meta({ description: 'One line to tell it from others.' }),
  can: z
    .array(z.enum(PERMISSIONS, `is none of ${PERMISSIONS.join(', ')}`), 'is not a list of permissions')
    .min(1, 'is an empty list')
    .optional()
    .meta({
      description:
        'The most it may be used for. Default: all that its owner may; for somebody else, as far as whoever asks may it with all modules.',
    }),
  modules: z
    .array(
      z.string('is not a text').superRefine((pattern, context) => {
        const problem = checkPattern(pattern)
        if (problem !== undefined) context.addIssue(`cannot be used as a pattern: ${problem}`)
      }),
      'is not a list of patterns',
    )
    .min(1, 'is an empty list')
    .optional()
    .meta({ description: 'Patterns as in GOPRIVATE. Default: all modules.' }),
  expires: z
    .string('is not a text')
    .transform((text, context) => {
      const time = text === 'never' ? Infinity : parseDuration(text)
      if (time === Infinity || (time !== undefined && time >= 1000 && time <= TOKEN_LIFETIME.longest))
        return time
      context.addIssue('is neither a duration from 1s to 3650d nor "never"')
      return z.NEVER
    })
    .prefault('90d')
    .meta({
      description:
        'A duration such as 30d, or with `policy:write` `never`. Default: 90d. Never later than the credential it is asked for with.',
    }),
})

/**
 * Access tokens: everybody who may `token:create` has its own; those of others are seen with `audit:read`, and made and
 * revoked with `policy:write`. A token never may more than the credential it was asked for with, nor does it outlive
 * that.
 */
export function tokenEndpoints({ tokens, access, log }: TokenEndpointsOptions): ApiEndpoint[] {
  const may = (principal: Principal, ...anyOf: readonly Permission[]) =>
    anyOf.some((permission) => access.decide(principal, { permission }) === 'allow')
  const maySee = (principal: Principal) => may(principal, 'audit:read', 'policy:write')

  function require(principal: Principal, ...anyOf: readonly Permission[]): void {
    if (may(principal, ...anyOf)) return
    throw new ModsteadError(
      'not_permitted',
      `${described(principal)} may not do this with tokens of others`,
      {
        next: `it takes the permission ${anyOf.join(' or ')}`,
      },
    )
  }

  /** What would outlive every review is for those who may do anything anyway. */
  function requireForever(principal: Principal): void {
    if (may(principal, 'policy:write')) return
    throw new ModsteadError('not_permitted', `${described(principal)} may not make a token that never ends`, {
      next: 'ask for a duration such as 90d; "never" takes the permission policy:write',
    })
  }

  /** A token for somebody else gives nobody more than whoever makes it may do with all modules. */
  function withinOwn(principal: Principal, { can, modules }: Wish): Wish {
    const held = PERMISSIONS.filter((permission) => may(principal, permission))
    const wider = can?.find((permission) => !held.includes(permission))
    if (wider !== undefined)
      throw new ModsteadError(
        'not_permitted',
        `${described(principal)} may not ${wider} with all modules, and so cannot give it to others`,
        { next: `ask for some of ${held.join(', ')}` },
      )
    return { can: can ?? (held.length === PERMISSIONS.length ? undefined : held), modules }
  }

  /** A token of somebody else is not there for those who may not see it. */
  async function find(id: string, principal: Principal): Promise<TokenRecord> {
    const record = isTokenId(id) ? await tokens.token(id) : undefined
    const own = record !== undefined && isOwner(principal, record.owner)
    if (record !== undefined && (own ? may(principal, 'token:create') : maySee(principal))) return record
    throw new ModsteadError('not_found', `there is no token ${JSON.stringify(id)} that you may see`, {
      next: 'ask for the list: GET /api/v1/tokens',
    })
  }

  return [
    endpoint({
      method: 'GET',
      path: '/tokens',
      needs: 'signed-in',
      summary:
        'Access tokens, the newest first: your own with `token:create`, or with `audit:read` those of all.',
      query: z.strictObject({
        limit,
        before: before('only tokens').refine(
          (id) => id === undefined || isTokenId(id),
          'is not the id of a token: give it the nextBefore of the page before this one',
        ),
        owner: owner.optional(),
      }),
      gives: z.object({ tokens: z.array(tokenSchema), nextBefore }),
      async answer({ principal, query: { limit, before, owner } }) {
        const of = owner ?? (maySee(principal) ? undefined : ownerOf(principal))
        if (of !== undefined && isOwner(principal, of)) {
          if (!maySee(principal)) require(principal, 'token:create')
        } else require(principal, 'audit:read', 'policy:write')
        const found = await tokens.tokens({
          limit: limit + 1,
          ...(before !== undefined && { before }),
          ...(of !== undefined && { owner: of }),
        })
        const rows = found.slice(0, limit)
        const last = rows.at(-1)
        const now = Date.now()
        return {
          tokens: rows.map((row) => tokenJson(row, now)),
          ...(found.length > limit && last && { nextBefore: last.id }),
        }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/tokens',
      needs: 'token:create',
      summary: 'Makes an access token, your own, or with `policy:write` for others. It is given this once.',
      body: wanted,
      gives: tokenSchema.extend({ token: z.string() }).meta({ id: 'NewToken' }),
      status: 201,
      async answer({ principal, body }) {
        const owner = body.for ?? ownerOf(principal)
        const own = isOwner(principal, owner)
        if (!own) require(principal, 'policy:write')
        if (body.expires === Infinity) requireForever(principal)
        const now = Date.now()
        const { can, modules } = own ? within(principal, body) : withinOwn(principal, body)
        const expires = Math.min(now + body.expires, endOf(principal))
        const { token, record } = issueToken(
          {
            owner,
            note: body.note.trim(),
            ...(can && { permissions: can }),
            ...(modules && { modules }),
            ...(expires !== Infinity && { expires }),
          },
          now,
        )
        await tokens.addToken(record)
        log.info(
          { token: record.id, owner: tokenJson(record, now).owner, by: principal.id },
          'an access token was made',
        )
        return { ...tokenJson(record, now), token }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/tokens/:id',
      needs: 'signed-in',
      summary: 'One access token: your own with `token:create`, or with `audit:read` any.',
      gives: tokenSchema,
      answer: async ({ values, principal }) => tokenJson(await find(values.id!, principal), Date.now()),
    }),
    endpoint({
      method: 'DELETE',
      path: '/tokens/:id',
      needs: 'signed-in',
      summary:
        'Revokes an access token, your own with `token:create`, or with `policy:write` any: no request that arrives after the answer is let in by it.',
      gives: tokenSchema,
      async answer({ values, principal }) {
        const { id, owner } = await find(values.id!, principal)
        if (!isOwner(principal, owner)) require(principal, 'policy:write')
        const record = await tokens.revokeToken(id, described(principal))
        if (record === undefined) throw new TypeError(`the token ${id} was there a moment ago`)
        await untilNoneIsFresh()
        log.info({ token: id, by: principal.id }, 'an access token was revoked')
        return tokenJson(record, Date.now())
      },
    }),
  ]
}

function isOwner({ kind, id }: Principal, owner: Owner): boolean {
  return kind === owner.kind && id === owner.name
}

function ownerOf(principal: Principal): Owner {
  const { kind, id } = principal
  if (kind === 'user' || kind === 'service') return { kind, name: id }
  throw new ModsteadError('not_permitted', `${described(principal)} can have no access tokens of its own`, {
    next: 'name a user or a service in "for", with a credential that may policy:write',
  })
}

interface Wish {
  can?: readonly Permission[] | undefined
  modules?: readonly string[] | undefined
}

/**
 * When what is made with this credential has to end, in milliseconds since the epoch: with the credential itself. A
 * session goes on after its access tokens, unless what was presented of it was narrowed.
 */
function endOf({ expires = Infinity, renewed, limit }: Principal): number {
  return renewed === true && limit === undefined ? Infinity : expires
}

/** What of a wish the credential of whoever asks can give: one that was narrowed makes none that is wider. */
function within({ limit }: Principal, { can, modules }: Wish): Wish {
  if (limit === undefined) return { can, modules }
  const wider = can?.find((permission) => !limit.permissions.includes(permission))
  if (wider === undefined) return { can: can ?? limit.permissions, modules }
  throw new ModsteadError(
    'not_permitted',
    `the credential of the request was narrowed, and may not ${wider} itself`,
    {
      next: `ask for some of ${limit.permissions.join(', ')}, or with another credential`,
    },
  )
}
