import type { IncidentRow, IncidentsOptions } from '../proxy/catalog.ts'
import type { Reads } from './reads.ts'
import { MAX_INCIDENT_ID } from './record-ids.ts'
import { decodeIncident } from './rows.ts'
import type { Prepared } from './statement.ts'

/** The statements that pages of incidents are read with. */
export type IncidentReads = Pick<
  Reads,
  | 'incidentsBefore'
  | 'openIncidentsBefore'
  | 'acknowledgedIncidentsBefore'
  | 'incidentsInBefore'
  | 'openIncidentsInBefore'
  | 'acknowledgedIncidentsInBefore'
>

/** A page of incidents, the newest first. Throws what SQLite throws. */
export function readIncidents(reads: Prepared<IncidentReads>, options: IncidentsOptions): IncidentRow[] {
  const { limit, before = MAX_INCIDENT_ID, open, realm } = options
  const rows =
    realm === undefined
      ? statementFor(reads, open).all({ limit, before })
      : statementInRealm(reads, open).all({ limit, before, realm })
  return rows.map(decodeIncident)
}

function statementInRealm(reads: Prepared<IncidentReads>, open: boolean | undefined) {
  if (open === undefined) return reads.incidentsInBefore
  return open ? reads.openIncidentsInBefore : reads.acknowledgedIncidentsInBefore
}

function statementFor(reads: Prepared<IncidentReads>, open: boolean | undefined) {
  if (open === undefined) return reads.incidentsBefore
  return open ? reads.openIncidentsBefore : reads.acknowledgedIncidentsBefore
}
