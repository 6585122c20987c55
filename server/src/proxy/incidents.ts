import { equalHash } from '@modstead/gomod/dirhash'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { Catalog, Incident } from './catalog.ts'
import type { ChecksumRecord, PromisedIn } from './checksums.ts'
import type { Realm } from './store.ts'
import type { Source } from './wanted.ts'

/** A file whose hash is to be proven before anyone sees it whole. */
export interface Claim {
  realm: Realm
  module: ModulePath
  version: Version
  kind: 'mod' | 'zip'
  /** Dirhash of what came. */
  hash: string
  /** The hash the catalog has for it, where it has one. */
  known: string | undefined
  source: Source
  record: Promise<ChecksumRecord> | undefined
}

/** The commit that a file was made from, and the one known for its version. */
export interface CommitClaim extends Pick<Claim, 'realm' | 'module' | 'version' | 'known'> {
  source: string
  commit: string | undefined
}

export interface Incidents {
  /** Records a mismatch and gives the refusal to throw. */
  report(incident: Incident): Promise<ModsteadError>
  /**
   * Compares a claim with the hash known before, with what our own log has promised, and with the checksum database's
   * record. Gives the database's name
   * where one proved it. Throws `checksum_mismatch` with the incident, or what the look-up threw.
   */
  prove(claim: Claim): Promise<string | undefined>
  /** Throws `checksum_mismatch` with the incident where a file was made from another commit than those before it. */
  proveCommit(claim: CommitClaim): Promise<void>
}

function sentenceFor({ kind, source, module, version, found, expected }: Incident): string {
  const name = `${module}@${version}`
  if (kind === 'tag') return `${source} has moved the tag of ${name} to commit ${found}; it was ${expected}`
  const what = kind === 'mod' ? 'go.mod' : 'zip'
  return `${source} gave a ${what} of ${name} with hash ${found}, but it must be ${expected}`
}

/** Counts, records and logs a mismatch; gives its id where it could be recorded. Never rejects. */
export type RecordIncident = (incident: Incident, explanation?: string) => Promise<string | undefined>

export function createRecorder(catalog: Catalog, observer: Observer): RecordIncident {
  const counter = observer.counter('modstead_incidents_total', 'Mismatches recorded.', ['kind'])
  observer.gauge('modstead_incidents_open', 'Incidents that nobody has acknowledged.', async () => {
    return (await catalog.totals()).openIncidents
  })
  return async (incident, explanation) => {
    counter.add(1, incident.kind)
    let id: string | undefined
    try {
      id = (await catalog.report(incident)).id
    } catch (error) {
      // The log line below is what remains of it then.
      observer.log.error({ err: error }, 'an incident could not be recorded in the catalog')
    }
    const fields = { incident: id, ...incident, ...(explanation !== undefined && { explanation }) }
    observer.log.error(fields, 'incident: contents differ from what must never differ')
    return id
  }
}

export function createIncidents(catalog: Catalog, observer: Observer, promised?: PromisedIn): Incidents {
  const record = createRecorder(catalog, observer)

  async function report(incident: Incident): Promise<ModsteadError> {
    const id = await record(incident)
    return new ModsteadError('checksum_mismatch', sentenceFor(incident), {
      ...(id !== undefined && { incident: id }),
      origin: incident.source,
      next: 'nothing was stored; ask the operators of this modstead to look at the incident',
    })
  }

  async function mismatch(claim: Claim, expected: string): Promise<never> {
    throw await report({
      kind: claim.source.stored ? 'store' : claim.kind,
      realm: claim.realm,
      module: claim.module,
      version: claim.version,
      source: claim.source.name,
      expected,
      found: claim.hash,
      outcome: 'refused; nothing was stored',
    })
  }

  return {
    report,
    async proveCommit({ realm, module, version, source, known, commit }) {
      if (known === undefined || commit === undefined || known === commit) return
      const outcome = 'refused; nothing was stored'
      throw await report({
        kind: 'tag',
        realm,
        module,
        version,
        source,
        expected: known,
        found: commit,
        outcome,
      })
    },
    async prove(claim) {
      if (claim.known !== undefined && !equalHash(claim.known, claim.hash)) await mismatch(claim, claim.known)
      const logged = await promised?.(claim.realm, claim.module, claim.version)
      const promise = claim.kind === 'zip' ? logged?.h1 : logged?.goModH1
      if (promise !== undefined && !equalHash(promise, claim.hash)) await mismatch(claim, promise)
      if (claim.record === undefined) return undefined
      const record = await claim.record
      const proven = claim.kind === 'zip' ? record.h1 : record.goModH1
      if (!equalHash(proven, claim.hash)) await mismatch(claim, proven)
      return record.database
    },
  }
}
