import { equalHash } from '@modstead/gomod/dirhash'
import type { ModulePath } from '@modstead/gomod/path'
import { isPseudoVersion, pseudoVersionTime } from '@modstead/gomod/pseudo'
import type { Version } from '@modstead/gomod/version'
import { isAbsence, ModsteadError } from '../errors.ts'
import type { ActTools } from './acts.ts'
import type { ActRow, VersionFacts, VersionRow } from './catalog.ts'
import { knownVersion } from './known-version.ts'
import type { Parts } from './parts.ts'
import { type ReadUpload, readUpload, type Upload } from './read-upload.ts'
import type { Route } from './route.ts'
import { settleAct } from './settle-acts.ts'
import { turnOf } from './turns.ts'
import { keyOf, KINDS, storeKeyOf, type Wanted } from './wanted.ts'

export interface PublishedVersion {
  /** `unchanged`: the same contents were known already. */
  outcome: 'published' | 'unchanged'
  module: ModulePath
  version: Version
  h1: string
  goModH1: string
}

export interface Publications {
  /**
   * Takes in a module zip that `who` sends. Throws `publish_disabled` before it reads any of it where the module's
   * route has no upload origin; `version_conflict` where the version is known with other contents; and as `readUpload`.
   */
  publish(upload: Upload & { who: string }): Promise<PublishedVersion>
}

/** What is about to be published, checked. */
interface Candidate extends ReadUpload {
  route: Route
  module: ModulePath
  version: Version
  who: string
}

/**
 * Publishing: zip, go.mod and .info are committed like what comes from an origin, between two writes to the catalog.
 * Until the second of them the version is neither listed nor a fact (`half-published.ts`), and a crash leaves nothing of
 * it.
 */
export function createPublications(tools: ActTools, parts: Parts): Publications {
  const { router, changed, turns, counter } = tools
  const { store, catalog, checker, absences, observer, shutdown, now } = parts

  function routeFor(module: ModulePath): Route & { upload: string } {
    const route = router.routeOf(module)
    const { upload } = route
    if (upload !== undefined && route.patterns.matches(module)) return { ...route, upload }
    throw new ModsteadError(
      'publish_disabled',
      `nothing can be published as ${module}: its route takes no uploads`,
      {
        next: 'to allow it, name an origin of type upload in its route: from: [releases], with releases: { type: upload }',
      },
    )
  }

  async function takeIn(candidate: Candidate & { route: { upload: string } }): Promise<PublishedVersion> {
    const { route, module, version, who, h1, goModH1 } = candidate
    const known = await knownVersion(tools, parts, candidate)
    refuseOther(candidate, known)
    await refuseUnlikePromised(candidate)
    const provenBy = await prove(candidate)
    const found = { module, version, h1, goModH1 }
    if (known?.published === true && known.deleted === undefined && (await isComplete(candidate)))
      return { outcome: 'unchanged', ...found }
    const act = await catalog.begin({ act: 'publish', who, realm: route.realm, module, version, h1 })
    const facts = await place(candidate, known).catch((error: unknown) => giveUp(act, error))
    // Of any other failure nobody knows whether it was written: the next act on the version looks, or the next start.
    await catalog
      .end(act.id, 'done', { ...facts, ...(provenBy !== undefined && { provenBy }) })
      .catch((error: unknown) => (isMismatch(error) ? giveUp(act, error) : Promise.reject(error)))
    for (const kind of KINDS) absences.forget(keyOf({ route, module, version, kind }))
    changed({ realm: route.realm, module })
    changed({ realm: route.realm, module, version })
    parts.stored({ realm: route.realm, module, version })
    const outcome = known?.h1 !== undefined && known.deleted === undefined ? 'unchanged' : 'published'
    counter.add(1, 'publish', outcome)
    observer.log.info({ act: act.id, who, realm: route.realm, ...found, outcome }, 'a version was published')
    return { outcome, ...found }
  }

  async function refuseUnlikePromised(candidate: Candidate): Promise<void> {
    const promised = await parts.promised?.(candidate.route.realm, candidate.module, candidate.version)
    const where = 'in the checksum log'
    if (promised !== undefined && !equalHash(promised.h1, candidate.h1))
      throw conflict(candidate, 'zip', where, promised.h1, candidate.h1)
    if (promised !== undefined && !equalHash(promised.goModH1, candidate.goModH1))
      throw conflict(candidate, 'go.mod', where, promised.goModH1, candidate.goModH1)
  }

  /** Where a checksum database must prove what this route serves, it must prove what is published for it too. */
  async function prove({ route, module, version, h1, goModH1 }: Candidate): Promise<string | undefined> {
    if (route.checksum === undefined) return undefined
    const record = await route.checksum
      .lookup(module, version, { signal: shutdown, priority: 'client' })
      .catch((error: unknown) => {
        if (!isMissing(error)) throw error
        const message = `${module}@${version} cannot be published: ${route.checksum!.name} does not know it`
        throw new ModsteadError('publish_disabled', message, {
          next: 'for modules of your own, the route must say private: true or checksum: off',
        })
      })
    for (const [what, theirs, ours] of [
      ['zip', record.h1, h1],
      ['go.mod', record.goModH1, goModH1],
    ] as const)
      if (!equalHash(theirs, ours))
        throw conflict({ module, version }, what, `in ${record.database}`, theirs, ours)
    return record.database
  }

  /** Commits the files; the zip comes last, for whoever finds it takes the version for whole. */
  async function place(
    candidate: Candidate & { route: { upload: string } },
    known?: VersionRow,
  ): Promise<VersionFacts> {
    const { route, module, version, spool, sha256, h1, goMod, goModH1 } = candidate
    const key = (kind: Wanted['kind']) => storeKeyOf({ route, module, version, kind })
    const time = known?.time ?? timeOf(version, now())
    await store.commit(key('mod'), goMod, goModH1)
    await store.commit(key('info'), Buffer.from(JSON.stringify({ Version: version, Time: time })))
    const outcome = await store.commit(key('zip'), spool, h1)
    const zipSize = (await store.open(key('zip')))?.size
    if (zipSize === undefined)
      throw new ModsteadError('store_unavailable', 'a zip vanished as it was committed')
    // The same contents may be held in other bytes, whose SHA-256 is known then or not needed.
    const zipSha256 = outcome === 'stored' ? sha256 : undefined
    const origin = route.upload
    return { h1, goModH1, info: true, time, origin, zipSize, ...(zipSha256 !== undefined && { zipSha256 }) }
  }

  async function giveUp(act: ActRow, error: unknown): Promise<never> {
    counter.add(1, 'publish', 'undone')
    await settleAct(parts, act).catch((failure: unknown) =>
      observer.log.error(
        { err: failure, act: act.id },
        'a publication is undone by the next act on its version or at the next start only',
      ),
    )
    if (!isMismatch(error)) throw error
    throw new ModsteadError('version_conflict', error.message)
  }

  async function isComplete(candidate: Candidate): Promise<boolean> {
    const found = await Promise.all(KINDS.map((kind) => store.open(storeKeyOf({ ...candidate, kind }))))
    return found.every((file) => file !== undefined)
  }

  return {
    async publish({ who, ...upload }) {
      if (shutdown.aborted) throw new ModsteadError('shutting_down', 'this modstead is shutting down')
      const { module, version } = upload
      const route = routeFor(module)
      await parts.room?.(route.realm, upload.size ?? 0)
      const spool = await store.createSpool()
      try {
        const read = await readUpload(upload, { spool, checker })
        return await turns.take(turnOf(route, module), () => takeIn({ ...read, route, module, version, who }))
      } finally {
        await spool.discard()
      }
    },
  }
}

/** Hashes hold for ever, those of deleted versions too; one that was never known cannot be met again. */
function refuseOther(candidate: Candidate, known: VersionRow | undefined): void {
  if (known?.h1 !== undefined && !equalHash(known.h1, candidate.h1))
    throw conflict(
      candidate,
      'zip',
      known.deleted ? 'from before it was deleted' : 'here',
      known.h1,
      candidate.h1,
    )
  if (known?.goModH1 !== undefined && !equalHash(known.goModH1, candidate.goModH1))
    throw conflict(candidate, 'go.mod', 'here', known.goModH1, candidate.goModH1)
  if (known?.deleted !== undefined && known.h1 === undefined) {
    const name = `${candidate.module}@${candidate.version}`
    throw new ModsteadError('version_conflict', `${name} was deleted before its contents were known here`)
  }
}

function conflict(
  { module, version }: { module: ModulePath; version: Version },
  what: string,
  where: string,
  theirs: string,
  ours: string,
): ModsteadError {
  const message = `the ${what} of ${module}@${version} is known ${where} with the hash ${theirs}, and what was sent has ${ours}`
  return new ModsteadError('version_conflict', message)
}

/** RFC 3339, in whole seconds: of a pseudo-version the time in it, otherwise now. */
function timeOf(version: Version, now: number): string {
  const time = isPseudoVersion(version) ? pseudoVersionTime(version) : new Date(now)
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Another file or fact of this version came in while this one was being taken in. */
function isMismatch(error: unknown): error is ModsteadError {
  return error instanceof ModsteadError && error.code === 'checksum_mismatch'
}

function isMissing(error: unknown): boolean {
  return isAbsence(error) || (error instanceof ModsteadError && error.code === 'checksum_missing')
}
