import type { GomodError, GomodErrorCode } from '@modstead/gomod/error'
import type { RecordIncident } from '../proxy/incidents.ts'

/** What a checksum database (or somebody on the way to it) said that no honest one says. */
export interface Alarm {
  kind: 'fork' | 'invalid'
  /** For a fork several lines: both signed heads, and the proof. Otherwise a sentence out of a short list. */
  found: string
  /** All that is known of it, for the log. */
  explanation: string
}

/** Records an alarm and gives the id of its incident, where it has one. Never rejects. */
export type RaiseAlarm = (alarm: Alarm) => Promise<string | undefined>

export interface Alarms {
  /** To be told of forks as they are found, whoever still waits then. */
  fork(explanation: string): void
  /** The incident of a refusal: recorded once, however many wait for the answer that is refused. */
  incidentOf(error: GomodError): Promise<string | undefined>
}

export function createAlarms(raise: RaiseAlarm): Alarms {
  const raised = new WeakMap<GomodError, Promise<string | undefined>>()
  let lastFork: { explanation: string; incident: Promise<string | undefined> } | undefined
  return {
    fork(explanation) {
      lastFork = { explanation, incident: raise({ kind: 'fork', found: explanation, explanation }) }
    },
    async incidentOf(error) {
      if (error.code === 'log_fork')
        return lastFork?.explanation === error.message ? lastFork.incident : undefined
      const found = INVALID.get(error.code)
      if (found === undefined) return undefined
      const incident = raised.get(error) ?? raise({ kind: 'invalid', found, explanation: error.message })
      raised.set(error, incident)
      return incident
    },
  }
}

/** Records the alarms of the database called `name` as incidents. */
export function reportAlarms(name: string, record: RecordIncident): RaiseAlarm {
  return ({ kind, found, explanation }) =>
    record(
      {
        kind: 'checksum_database',
        realm: 'public',
        module: '',
        version: '',
        source: name,
        expected: kind === 'fork' ? 'one growing log' : 'answers that verify',
        found,
        outcome: kind === 'fork' ? 'its answers are refused' : 'the answer was refused; nothing was kept',
      },
      kind === 'fork' ? undefined : explanation,
    )
}

/** Few and without details, so that whoever answers with garbage cannot fill the catalog with incidents. */
const INVALID: ReadonlyMap<GomodErrorCode, string> = new Map([
  ['invalid_note', 'an answer without a signed tree head'],
  ['unverified_note', 'a tree head that its key has not signed'],
  ['unverified_tile', 'tiles that do not belong to the signed log'],
  ['invalid_record', 'an answer that is no record'],
  ['unverified_record', 'a record that is not what the signed log has'],
])
