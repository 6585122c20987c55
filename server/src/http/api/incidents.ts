import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import type { Catalog, IncidentRow } from '../../proxy/catalog.ts'
import { remarkProblem } from '../../proxy/remark.ts'
import type { ApiEndpoint } from './endpoint.ts'
import { incidentJson, incidentPage, isIncidentId } from './incident-json.ts'
import { checkNames, flagOf, limitOf } from './query.ts'

/** What the catalog knows of incidents. */
export type IncidentRecords = Pick<Catalog, 'incident' | 'incidents' | 'acknowledge'>

export interface IncidentEndpointsOptions {
  incidents: IncidentRecords
  log: Logger
}

/**
 * The endpoints
 *
 *     GET  /api/v1/incidents?limit=&before=&open=    a page, the newest first
 *     GET  /api/v1/incidents/ID                      one
 *     POST /api/v1/incidents/ID/ack   {"note": …}    somebody has looked at it: the incident as it is then
 *
 * for tokens that may audit. An acknowledgement can be repeated: the first one holds.
 */
export function incidentEndpoints({ incidents, log }: IncidentEndpointsOptions): ApiEndpoint[] {
  return [
    {
      method: 'GET',
      path: '/incidents',
      permission: 'audit:read',
      async answer({ query }) {
        checkNames(query, ['limit', 'before', 'open'])
        const limit = limitOf(query)
        const before = query.get('before') ?? undefined
        if (before !== undefined && !isIncidentId(before))
          throw new ModsteadError('bad_request', 'before is not the id of an incident', {
            next: 'give it the nextBefore of the page before this one',
          })
        const open = flagOf(query, 'open')
        const rows = await incidents.incidents({
          limit: limit + 1,
          ...(before !== undefined && { before }),
          ...(open !== undefined && { open }),
        })
        return incidentPage(rows, limit)
      },
    },
    {
      method: 'GET',
      path: '/incidents/:id',
      permission: 'audit:read',
      async answer({ values, query }) {
        checkNames(query, [])
        return incidentJson(found(await incidents.incident(values.id!), values.id!))
      },
    },
    {
      method: 'POST',
      path: '/incidents/:id/ack',
      permission: 'audit:read',
      async answer({ values, query, who, body }) {
        checkNames(query, [])
        const note = noteOf(await body())
        const row = found(await incidents.acknowledge(values.id!, { who, note }), values.id!)
        log.info({ incident: row.id, ...row.acknowledged, by: who }, 'an incident was acknowledged')
        return incidentJson(row)
      },
    },
  ]
}

function found(row: IncidentRow | undefined, id: string): IncidentRow {
  if (row !== undefined) return row
  throw new ModsteadError('not_found', `there is no incident ${id} here`, {
    next: 'check the id, and that this is the server that gave it',
  })
}

function noteOf(body: Readonly<Record<string, unknown>>): string {
  const { note, ...others } = body
  const [other] = Object.keys(others)
  const problem =
    other !== undefined ? `has company: ${JSON.stringify(other)} means nothing here` : problemOf(note)
  if (typeof note === 'string' && problem === undefined) return note.trim()
  throw new ModsteadError('bad_request', `the note ${problem}`, {
    next: 'send {"note": "what it was, and what you did"}: whoever looks at the incident later reads it',
  })
}

function problemOf(note: unknown): string | undefined {
  if (note === undefined) return 'is missing'
  return typeof note === 'string' ? remarkProblem(note) : 'is not a text'
}
