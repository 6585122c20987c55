import { isModulePath } from '@modstead/gomod/path'
import { isCanonicalFor } from '@modstead/gomod/version'
import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import { described } from '../../access/principal.ts'
import { ModsteadError } from '../../errors.ts'
import type { PromotionRow } from '../../proxy/promotions.ts'
import { remarkProblem } from '../../proxy/remark.ts'
import type { MappedProxy } from '../../proxy/version-map.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'
import { before, limit, nextBefore, time } from './fields.ts'

/** How long the origins may take for the version that is promoted. Milliseconds. */
const PATIENCE = 60_000

const promotion = z
  .object({
    id: z.string().meta({ examples: ['pro-7k3m-02pq'] }),
    at: time,
    who: z.string(),
    module: z.string(),
    version: z.string(),
    note: z.string(),
  })
  .meta({ id: 'Promotion' })

const wanted = z.strictObject({
  module: z.string('is not the path of a module').meta({ examples: ['corp.example/lib'] }),
  version: z.string('is not a version').meta({ examples: ['v1.4.2'] }),
  note: z
    .string('is not a text')
    .superRefine((text, context) => {
      const problem = text === '' ? undefined : remarkProblem(text)
      if (problem !== undefined) context.addIssue(problem)
    })
    .prefault('')
    .meta({ description: 'Why, in one line.' }),
})

/** Promoting a version takes the right to publish the module: it then is what `STABLE` in the map of versions means. */
export function promotionEndpoints(
  proxy: Pick<MappedProxy, 'promote' | 'promotions'>,
  access: Pick<Access, 'decide'>,
): ApiEndpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/promotions',
      needs: 'signed-in',
      summary: 'Promotes a version, with `module:publish` for its module: it is the stable one from now on.',
      body: wanted,
      gives: promotion,
      status: 201,
      async answer({ body: { module, version, note }, principal, note: tell }) {
        if (!isModulePath(module) || !isCanonicalFor(module, version))
          throw new ModsteadError('bad_request', `${module}@${version} cannot be a version of a module`, {
            next: 'write a module path and a canonical version of its major version, such as v1.4.2',
          })
        tell({ module, version })
        if (access.decide(principal, { permission: 'module:publish', module }) !== 'allow')
          throw new ModsteadError(
            'not_permitted',
            `${described(principal)} may not promote a version of it`,
            {
              next: 'it takes the permission module:publish for the module',
            },
          )
        const order = { module, version, note: note.trim(), who: principal.id }
        return asShown(await proxy.promote(order, AbortSignal.timeout(PATIENCE)))
      },
    }),
    endpoint({
      method: 'GET',
      path: '/promotions',
      needs: 'audit:read',
      summary: 'What was promoted, the newest first.',
      query: z.strictObject({
        limit,
        before: before('only promotions').refine(
          (id) => id === undefined || /^pro-[0-9a-z]{4}-[0-9a-z]{4}$/.test(id),
          'is not the id of a promotion: give it the nextBefore of the page before this one',
        ),
      }),
      gives: z.object({ promotions: z.array(promotion), nextBefore }),
      async answer({ query: { limit, before } }) {
        const found = await proxy.promotions({ limit: limit + 1, ...(before !== undefined && { before }) })
        const rows = found.slice(0, limit)
        const last = rows.at(-1)
        return {
          promotions: rows.map(asShown),
          ...(found.length > limit && last && { nextBefore: last.id }),
        }
      },
    }),
  ]
}

function asShown({ id, at, who, module, version, note }: PromotionRow): z.output<typeof promotion> {
  return { id, at: new Date(at).toISOString(), who, module, version, note }
}
