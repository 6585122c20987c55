import type { IncidentRow } from '../../proxy/catalog.ts'

/** An incident as the API and `--json` give it: times are RFC 3339 in UTC. */
export interface IncidentJson extends Omit<IncidentRow, 'at' | 'lastAt' | 'acknowledged'> {
  at: string
  lastAt: string
  acknowledged?: { at: string; who: string; note: string }
}

/** A page of incidents, the newest first. */
export interface IncidentPage {
  incidents: IncidentJson[]
  /** Where there are older ones: what `before` has to be for the next page. */
  nextBefore?: string
}

/** Whether a text has the form of an incident's id. */
export function isIncidentId(text: string): boolean {
  return /^inc-[0-9a-z]{4}-[0-9a-z]{4}$/.test(text)
}

export function incidentJson({ acknowledged, ...row }: IncidentRow): IncidentJson {
  const { id, at, lastAt, count, ...incident } = row
  return {
    id,
    at: new Date(at).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
    count,
    ...incident,
    ...(acknowledged && { acknowledged: { ...acknowledged, at: new Date(acknowledged.at).toISOString() } }),
  }
}

/** A page of `limit` out of rows that were asked for with one more, which tells whether there are older ones. */
export function incidentPage(rows: readonly IncidentRow[], limit: number): IncidentPage {
  const incidents = rows.slice(0, limit).map(incidentJson)
  const last = incidents.at(-1)
  return { incidents, ...(rows.length > limit && last && { nextBefore: last.id }) }
}
