/** Between the rows of what signing in leaves behind and the words of the access room. */
import type { AuthQuery, AuthRecord, AuthRecords } from '../access/issued/records.ts'
import type { Write, WriteResult } from './apply-writes.ts'
import type { Reads } from './reads.ts'
import type { AuthRecordsTable } from './schema.ts'
import type { Prepared } from './statement.ts'

/** Changes of these records. */
export type AuthWrite =
  | { kind: 'putAuthRecord'; record: AuthRecord }
  | { kind: 'removeAuthRecord'; scope: string; record: string; id: string }
  | { kind: 'sweepAuthRecords'; until: number }

/** What came of one. */
export interface AuthChange {
  changed: boolean
}

export interface AuthRecordsOptions {
  reads: Pick<Prepared<Reads>, 'authRecord' | 'authRecords' | 'authRecordsOf'>
  /** Runs a look at the database, and throws what the medium says. */
  read: <T>(look: () => T) => T
  write: (write: Write) => Promise<WriteResult>
}

export function createAuthRecords({ reads, read, write }: AuthRecordsOptions): AuthRecords {
  async function change(given: AuthWrite): Promise<boolean> {
    const result = await write(given)
    return result !== undefined && 'changed' in result && result.changed
  }

  return {
    authRecord: async ({ scope, kind, id }) =>
      read(() => {
        const row = reads.authRecord.get({ scope, kind, id })
        return row && decodeAuthRecord(row)
      }),
    authRecords: async (of) => read(() => readAuthRecords(reads, of)),
    putAuthRecord: (record) => change({ kind: 'putAuthRecord', record }),
    removeAuthRecord: ({ scope, kind, id }) => change({ kind: 'removeAuthRecord', scope, record: kind, id }),
    async sweepAuthRecords(until) {
      await write({ kind: 'sweepAuthRecords', until })
    },
  }
}

export function readAuthRecords(
  reads: Pick<Prepared<Reads>, 'authRecords' | 'authRecordsOf'>,
  { scope, kind, subject, after = 0 }: AuthQuery,
): AuthRecord[] {
  const rows =
    subject === undefined
      ? reads.authRecords.all({ scope, kind, after })
      : reads.authRecordsOf.all({ scope, kind, subject, after })
  return rows.map(decodeAuthRecord)
}

export const AUTH_COLUMNS = [
  ...(['scope', 'kind', 'id', 'subject', 'body', 'expires', 'revision'] as const),
] as const satisfies (keyof AuthRecordsTable)[]

export function encodeAuthRecord(record: AuthRecord): Record<keyof AuthRecordsTable, string | number | null> {
  const { scope, kind, id, subject, body, expires, revision } = record
  return { scope, kind, id, subject: subject ?? null, body, expires, revision: revision + 1 }
}

function decodeAuthRecord({ subject, ...row }: AuthRecordsTable): AuthRecord {
  return { ...row, ...(subject !== null && { subject }) }
}
