import { z } from 'zod'
import type { Catalog } from '../../proxy/catalog.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'
import { before, limit, nextBefore, time } from './fields.ts'

const act = z
  .object({
    id: z.string().meta({ examples: ['act-7k3m-02pr'] }),
    at: time,
    act: z.enum(['publish', 'delete']),
    outcome: z.enum(['begun', 'done', 'undone']),
    who: z.string(),
    realm: z.string(),
    module: z.string(),
    version: z.string(),
    h1: z.string().optional(),
    reason: z.string().optional(),
  })
  .meta({ id: 'Act' })

/** What was published and deleted. */
export function actEndpoint(acts: Pick<Catalog, 'acts'>): ApiEndpoint {
  return endpoint({
    method: 'GET',
    path: '/acts',
    needs: 'audit:read',
    summary: 'What was published and deleted, the newest first.',
    query: z.strictObject({
      limit,
      before: before('only acts').refine(
        (id) => id === undefined || /^act-[0-9a-z]{4}-[0-9a-z]{4}$/.test(id),
        'is not the id of an act: give it the nextBefore of the page before this one',
      ),
    }),
    gives: z.object({ acts: z.array(act), nextBefore }),
    async answer({ query: { limit, before } }) {
      const found = await acts.acts({ limit: limit + 1, ...(before !== undefined && { before }) })
      const rows = found.slice(0, limit)
      const last = rows.at(-1)
      return {
        acts: rows.map(({ at, ...row }) => ({ ...row, at: new Date(at).toISOString() })),
        ...(found.length > limit && last && { nextBefore: last.id }),
      }
    },
  })
}
