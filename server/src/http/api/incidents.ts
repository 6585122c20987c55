import { z } from 'zod'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import type { Catalog, IncidentRow } from '../../proxy/catalog.ts'
import { remarkProblem } from '../../proxy/remark.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'
import { before, flag, limit, nextBefore, time } from './fields.ts'
import { incidentJson, incidentPage, isIncidentId } from './incident-json.ts'

/** What the catalog knows of incidents. */
export type IncidentRecords = Pick<Catalog, 'incident' | 'incidents' | 'acknowledge'>

export interface IncidentEndpointsOptions {
  incidents: IncidentRecords
  log: Logger
}

const incident = z
  .object({
    id: z.string().meta({ examples: ['inc-7k3m-02pq'] }),
    at: time,
    lastAt: time,
    count: z.number().int().min(1),
    kind: z.enum(['zip', 'mod', 'store', 'checksum_database', 'tag']),
    realm: z.string(),
    module: z.string(),
    version: z.string(),
    source: z.string(),
    expected: z.string(),
    found: z.string(),
    outcome: z.string(),
    acknowledged: z.object({ at: time, who: z.string(), note: z.string() }).optional(),
  })
  .meta({ id: 'Incident' })

const note = z
  .string({ error: ({ input }) => (input === undefined ? 'is missing' : 'is not a text') })
  .superRefine((text, context) => {
    const problem = remarkProblem(text)
    if (problem !== undefined) context.addIssue(problem)
  })
  .transform((text) => text.trim())
  .meta({ description: 'What it was, and what was done: one line, for whoever looks at the incident later.' })

/** A page of incidents, one of them, and the note that somebody has looked at it: it can be repeated, the first one holds. */
export function incidentEndpoints({ incidents, log }: IncidentEndpointsOptions): ApiEndpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/incidents',
      needs: 'audit:read',
      summary: 'Incidents, the newest first.',
      query: z.strictObject({
        limit,
        before: before('only incidents').refine(
          (id) => id === undefined || isIncidentId(id),
          'is not the id of an incident: give it the nextBefore of the page before this one',
        ),
        open: flag.optional().meta({ description: 'Only open ones, or only acknowledged ones.' }),
      }),
      gives: z.object({ incidents: z.array(incident), nextBefore }),
      async answer({ query: { limit, before, open } }) {
        const rows = await incidents.incidents({
          limit: limit + 1,
          ...(before !== undefined && { before }),
          ...(open !== undefined && { open }),
        })
        return incidentPage(rows, limit)
      },
    }),
    endpoint({
      method: 'GET',
      path: '/incidents/:id',
      needs: 'audit:read',
      summary: 'One incident.',
      gives: incident,
      answer: async ({ values }) => incidentJson(found(await incidents.incident(values.id!), values.id!)),
    }),
    endpoint({
      method: 'POST',
      path: '/incidents/:id/ack',
      needs: 'audit:read',
      summary: 'Notes that somebody has looked at an incident. Sent again, the first note stays.',
      body: z.strictObject({ note }),
      gives: incident,
      async answer({ values, principal, body: { note } }) {
        const who = principal.id
        const row = found(await incidents.acknowledge(values.id!, { who, note }), values.id!)
        log.info({ incident: row.id, ...row.acknowledged, by: who }, 'an incident was acknowledged')
        return incidentJson(row)
      },
    }),
  ]
}

function found(row: IncidentRow | undefined, id: string): IncidentRow {
  if (row !== undefined) return row
  throw new ModsteadError('not_found', `there is no incident ${id} here`, {
    next: 'check the id, and that this is the server that gave it',
  })
}
