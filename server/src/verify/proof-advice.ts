/** What is said where the checksum database, or a proxy, proves nothing. */
import { KNOWN_SUMDBS } from '@modstead/gomod/sumdb/known'
import type { ModuleName, Proof } from './claims.ts'
import type { Database } from './database.ts'
import type { Finding } from './finding.ts'
import { ended, sentence } from './wording.ts'

/** None for a record, and for a name that the database is not asked for. */
export function findingsOfProof(
  proof: Proof,
  name: ModuleName,
  database: Pick<Database, 'name' | 'fork'>,
): Finding[] {
  switch (proof.state) {
    case 'proven':
    case 'uncovered':
      return []
    case 'absent':
      return [absent(name, database.name, proof.reason)]
    case 'unknown':
      return [
        {
          kind: 'not_compared',
          ...name,
          ...SILENT,
          message: `It could not be compared with the checksum database: ${ended(proof.reason)}`,
          steps: [{ text: sentence(proof.next ?? AGAIN), commands: [] }],
        },
      ]
    case 'refused':
      return [refused(proof.reason, database)]
  }
}

/** A proxy that could not be asked for its files. */
export function proxyAway(name: ModuleName, reason: string): Finding {
  return {
    kind: 'not_compared',
    ...name,
    ...SILENT,
    message: `It could not be compared with what the proxy has: ${ended(reason)}`,
    steps: [{ text: 'Run it again where the proxy can be reached.', commands: [] }],
  }
}

function absent(name: ModuleName, database: string, reason: string): Finding {
  const isPublic = KNOWN_SUMDBS.has(database)
  return {
    kind: 'not_in_database',
    ...name,
    ...SILENT,
    message: `The checksum database ${database} has no record of it (${reason}): nothing proves what this version is.`,
    steps: [
      isPublic
        ? {
            text: 'If the module is private, its name should not be sent to a public database: add it to GOPRIVATE, as with',
            commands: [`go env -w GOPRIVATE="$(go env GOPRIVATE),${name.path}"`],
          }
        : { text: 'Ask those who run the database whether it should have it.', commands: [] },
      {
        text: 'Otherwise find out where it was downloaded from: what everybody can download has a record.',
        commands: [],
      },
    ],
  }
}

/** About the database as a whole, whatever version it was found with. */
function refused(reason: string, database: Pick<Database, 'name' | 'fork'>): Finding {
  const fork = database.fork()
  return {
    kind: 'database_refused',
    ...SILENT,
    wrong: ['database'],
    message: `What was given in the name of the checksum database ${database.name} does not verify: ${ended(reason)}`,
    ...(fork !== undefined && { details: fork }),
    steps: [
      {
        text: 'Do not download anything the way it came. Tell your security team, and those who run the proxy and the database.',
        commands: [],
      },
    ],
    security: true,
  }
}

const SILENT = { wrong: [], claims: [], security: false } satisfies Partial<Finding>

const AGAIN = 'run it again where the database can be reached'
