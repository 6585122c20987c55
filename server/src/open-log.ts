import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseWitnessKey } from '@modstead/gomod/checkpoint/cosignature'
import { parseSignerKey, parseVerifierKey, verifierKeyOf } from '@modstead/gomod/note'
import { openSqliteLog } from './catalog/sqlite-log.ts'
import type { ChecksumLogConfig } from './config/config.ts'
import { storeError } from './disk-errors.ts'
import type { Observer } from './observe/observer.ts'
import { createWitnessPost } from './origin/witness-post.ts'
import type { ModulePath } from '@modstead/gomod/path'
import type { PromisedHashes } from './proxy/checksums.ts'
import type { RecordIncident } from './proxy/incidents.ts'
import type { ModuleProxy } from './proxy/module-proxy.ts'
import type { Router } from './proxy/route.ts'
import type { Realm } from './proxy/store.ts'
import { syncFolder } from './store/durable.ts'
import { localFileSystem } from './store/file-system.ts'
import { openHighWaterFile } from './store/high-water-file.ts'
import { logFiles, type LogFiles } from './store/log-files.ts'
import { type Checkpoints, conflictError, createCheckpoints } from './sumdb/log/checkpoints.ts'
import { createColdLimit } from './sumdb/log/cold-limit.ts'
import { enterStored } from './sumdb/log/enter-stored.ts'
import { createEvidence, type Evidence } from './sumdb/log/evidence.ts'
import { createLogHolder } from './sumdb/log/holder.ts'
import { type ChecksumLog, openChecksumLog } from './sumdb/log/log.ts'
import { createOverlapWatch } from './sumdb/log/overlap.ts'
import { createOwnDatabase, promisedBy } from './sumdb/log/own-database.ts'
import type { ServedDatabase } from './sumdb/served.ts'

export interface HoldLogOptions {
  config: ChecksumLogConfig
  /** Path of the data folder. */
  data: string
  /** Whose log it is. Default: that of the top level. */
  realm?: Realm
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  record: RecordIncident
  /** Whether another database proves the versions of a module, or the log leaves them out. */
  isProvenElsewhere: (module: ModulePath) => boolean
  observer: Observer
}

/** What the log asks when it is asked. */
export interface ServingRooms {
  router: Router
  proxy: Pick<ModuleProxy, 'hashes' | 'knownHashes' | 'onStored'>
  /** The mirrors of other databases; the first is asked whether versions of ours are public. */
  mirrors: readonly ServedDatabase[]
}

export interface ServedLog {
  readonly database: ServedDatabase
  /** Lets what is being entered finish until the signal fires. */
  stop(given: AbortSignal): Promise<void>
}

/** The log of this server. What needs it open throws why it is not: `log_refused`, `store_unavailable`. */
export interface HeldLog {
  readonly name: string
  log(): Promise<ChecksumLog>
  checkpoints(): Promise<Checkpoints>
  evidence(): Promise<Evidence>
  /** What it has promised, for the fetch pipeline. */
  readonly promised: PromisedHashes
  /** Begins to answer as a checksum database, and to enter what is stored. */
  serve(rooms: ServingRooms): ServedLog
  /** What whoever runs this server should see to, a sentence each. */
  warnings(): string[]
  close(): Promise<void>
}

/** The configured log, open or on the way to be: it never keeps the server from starting. */
export function holdLog(options: HoldLogOptions): HeldLog {
  const { config, data, observer } = options
  const { name } = config
  const files = logFiles(data, config, options.realm)
  const holder = createLogHolder({ name, open: () => openLog(options, files), log: observer.log })
  observer.gauge('modstead_checksum_log_records', 'Records in the checksum log.', () => {
    return holder.opened()?.log.head().size ?? 0
  })
  observer.gauge('modstead_checksum_log_open', '1 while the checksum log can be used.', () =>
    holder.opened() === undefined || holder.opened()?.log.problem() !== undefined ? 0 : 1,
  )
  holder.get().catch(() => undefined) // logged by the holder, and told to whoever asks
  let sameDisk = false
  const looked = isOnSameDisk(files).then(
    (same) => (sameDisk = same),
    (error: unknown) =>
      observer.log.warn({ err: error }, 'where the high-water mark is could not be found out'),
  )
  return {
    name,
    log: async () => (await holder.get()).log,
    checkpoints: async () => (await holder.get()).checkpoints,
    evidence: async () => createEvidence((await holder.get()).log),
    promised: promisedBy(async () => (await holder.get()).log, options.isProvenElsewhere),
    serve: (rooms) => serve(options, rooms, async () => (await holder.get()).log),
    warnings() {
      const problem = holder.problem() ?? holder.opened()?.log.problem()
      const witnesses = holder.opened()?.checkpoints.witnesses() ?? []
      return [
        ...(problem === undefined ? [] : [`look-ups in the checksum log fail: ${problem}`]),
        ...(sameDisk ? [SAME_DISK] : []),
        ...witnesses.flatMap(({ failure }) => (failure === undefined ? [] : [failure.message])),
      ]
    },
    async close() {
      await looked
      await holder.close()
    },
  }
}

function serve(
  { config: { name }, record, observer }: HoldLogOptions,
  { router, proxy, mirrors }: ServingRooms,
  log: () => Promise<ChecksumLog>,
): ServedLog {
  const ending = new AbortController()
  const shutdown = ending.signal
  const database = createOwnDatabase({
    name,
    log,
    router,
    proxy,
    mirrors: new Map(mirrors.map((mirror) => [mirror.name, mirror])),
    record,
    lookForOverlap: createOverlapWatch({ mirror: mirrors[0], record, log: observer.log, shutdown }),
    limit: createColdLimit(),
    shutdown,
  })
  const entering = enterStored({ own: database, router, proxy, log: observer.log })
  return {
    database,
    async stop(given) {
      const end = (): void => ending.abort()
      if (given.aborted) end()
      given.addEventListener('abort', end, { once: true })
      await entering.close(given)
      end()
    },
  }
}

interface OpenLog {
  log: ChecksumLog
  checkpoints: Checkpoints
  close(): Promise<void>
}

async function openLog(
  { config, env, realm = 'default', record, observer }: HoldLogOptions,
  files: LogFiles,
): Promise<OpenLog> {
  await makeLasting(files.folder).catch((error: unknown) => {
    throw storeError(error, 'make the folder of its checksum log')
  })
  const closing: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const close of closing.toReversed()) await close()
  }
  try {
    const storage = await openSqliteLog(files.database)
    closing.push(() => storage.close())
    const keys = [config.key, ...config.previousKeys]
    const signers = keys.map(parseSignerKey)
    const log = await openChecksumLog({
      signers,
      verifiers: keys.map(verifierKeyOf).map(parseVerifierKey),
      storage,
      mark: openHighWaterFile(files.highWater),
      log: observer.log,
      onDamage: (problem) => tellDamage({ name: config.name, realm }, problem, record),
    })
    closing.push(() => log.close())
    const witnessPost = createWitnessPost(env)
    closing.push(() => witnessPost.close())
    const checkpoints = createCheckpoints({
      log,
      signers,
      witnesses: config.witnesses.map(({ key, url }) => ({ key: parseWitnessKey(key), url })),
      post: witnessPost.post,
      record,
      logger: observer.log,
    })
    closing.push(() => checkpoints.close())
    const [conflict] = await checkpoints.ask(AbortSignal.timeout(WITNESS_DEADLINE))
    if (conflict !== undefined) throw conflictError(config.name, conflict)
    checkpoints.follow()
    return { log, checkpoints, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A folder, and the one that it is in, that a power cut leaves where they are. */
async function makeLasting(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const parent = dirname(folder)
  for (const changed of [dirname(parent), parent]) await syncFolder(localFileSystem, changed)
}

/** The same record is one incident, however often it is asked for. */
function tellDamage(
  { name, realm }: { name: string; realm: Realm },
  problem: string,
  record: RecordIncident,
): void {
  void record({
    kind: 'store',
    realm,
    module: '',
    version: '',
    source: `the log ${name}`,
    expected: 'the record that was signed',
    found: problem,
    outcome: 'the look-up was refused',
  })
}

/** How long a start of the log waits for its witnesses. Milliseconds. */
const WITNESS_DEADLINE = 15_000

const SAME_DISK =
  'the high-water mark of the checksum log is on the disk of the log: a restored backup brings both back, and what was signed since then could be signed differently; set checksumLog.highWater to a file on another disk'

async function isOnSameDisk({ folder, highWater }: LogFiles): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const [log, mark] = await Promise.all([stat(folder), stat(dirname(highWater))])
  return log.dev === mark.dev
}
