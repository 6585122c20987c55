import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GomodError } from '@modstead/gomod/error'
import { openNote, parseVerifierKey } from '@modstead/gomod/note'
import { createSumdbClient } from '@modstead/gomod/sumdb/client'
import { parseLookupPath } from '@modstead/gomod/sumdb/lookup'
import { createMemoryOps } from '@modstead/gomod/sumdb/memory-ops'
import type { SumdbConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { FileTree } from '../origin/file-tree.ts'
import type { Outside } from '../origin/outside.ts'
import { createSumdbRemote } from '../origin/sumdb-remote.ts'
import type { ModuleName, Proof } from './claims.ts'
import { LIMITS } from './outward.ts'
import { createPatience } from './patience.ts'
import type { Privacy } from './privacy.ts'
import { shownPlace } from './wording.ts'

export interface DatabaseOptions {
  database: SumdbConfig
  privacy: Privacy
  /** Proxies that may hear of every name: what `--to` names. */
  trusted: readonly FileTree[]
  /** Proxies that may hear of names that are not private: those of GOPROXY. */
  proxies: readonly FileTree[]
  /** Where `go` keeps what it was told of the database, and the signed head it saw last. Read, never written. */
  kept: { records: string; head: string }
  /** Why nothing is asked over the network, if so: `--offline`. */
  offline?: string
  outside: Outside
}

/** The checksum database, asked as `go` asks it, by a client that believes only what is proven. */
export interface Database {
  readonly name: string
  /** Rejects with the reason of the signal only. */
  prove(name: ModuleName, signal: AbortSignal): Promise<Proof>
  /** The database has signed two histories: what there is to know of it, in several lines. */
  fork(): string | undefined
  close(): Promise<void>
}

/** Larger files are none of the database. Bytes. */
const LARGEST = 4 << 20

/**
 * What `go` has already been told counts where it can be proven: the records and tiles in the module cache spare
 * requests, and are all there is offline. The head that `go` saw last must be a part of the same history.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { database, privacy, trusted, proxies, kept, offline, outside } = options
  const open = (through: readonly FileTree[]) =>
    createSumdbRemote({ config: database, through, ...LIMITS, outside })
  const forAll = open([...trusted, ...proxies])
  const forPrivate = open(trusted)

  const memory = createMemoryOps(async (path, signal) => {
    if (offline !== undefined) throw new ModsteadError('checksum_unavailable', offline)
    return wayOf(path).read(path, { signal, priority: 'client' })
  })
  let head: Promise<Uint8Array | undefined> | undefined
  const patience = createPatience()
  const client = createSumdbClient({
    verifierKey: database.key,
    ops: {
      ...memory,
      async readHead() {
        // Only what is there before the first head is written: the client writes newer ones into memory.
        const first = await (head ??= readKeptHead(kept.head, database))
        memory.head ??= first
        return memory.head
      },
      readCache: async (path) => memory.cache.get(path) ?? readSmall(join(kept.records, path)),
      isAway: (error) => error instanceof ModsteadError && error.code === 'checksum_unavailable',
    },
  })

  /** Only the path of a lookup tells a name. */
  function wayOf(path: string) {
    if (!path.startsWith('/lookup/')) return forAll
    const module = parseLookupPath(path).path
    const why = privacy.whyNotDatabase(module)
    if (why !== undefined) throw new ModsteadError('private_name', `${module} is not looked up: ${why}`)
    return privacy.mayAskProxies(module) ? forAll : forPrivate
  }

  return {
    name: client.name,
    async prove({ path, version }, signal) {
      const why = privacy.whyNotDatabase(path)
      if (why !== undefined) return { state: 'uncovered', reason: why }
      const spent = patience.spent()
      if (spent !== undefined) return { state: 'unknown', reason: spent }
      try {
        const { h1, goModH1 } = await client.lookup(path, version, signal)
        patience.answered()
        return {
          state: 'proven',
          hashes: {
            ...(h1 !== undefined && { zip: h1 }),
            ...(goModH1 !== undefined && { 'go.mod': goModH1 }),
          },
        }
      } catch (error) {
        signal.throwIfAborted()
        const proof = proofOf(error)
        if (proof.state !== 'unknown') patience.answered()
        // What `go` has kept of other versions can be proven offline.
        else if (isOutage(error)) patience.failed(proof.reason)
        return proof
      }
    },
    fork: () => memory.alarms[0],
    async close() {
      await Promise.all([forAll.close(), forPrivate.close()])
    },
  }
}

/** The network is gone, or whoever is asked; as opposed to an answer that does no good. */
function isOutage(error: unknown): boolean {
  const { cause } = error as ModsteadError
  return cause instanceof ModsteadError && /^upstream_(?:unreachable|timeout)$/.test(cause.code)
}

function proofOf(error: unknown): Proof {
  if (error instanceof ModsteadError) {
    const { code, message: reason, next } = error
    return code === 'not_found' || code === 'checksum_missing'
      ? { state: 'absent', reason }
      : { state: 'unknown', reason, ...(next !== undefined && { next }) }
  }
  if (!(error instanceof GomodError)) throw error
  const { code, message: reason } = error
  if (code === 'invalid_lookup' || code === 'invalid_path' || code === 'invalid_version')
    return { state: 'uncovered', reason: 'checksum databases do not have such versions' }
  return {
    state: 'refused',
    reason: code === 'log_fork' ? 'it has signed two histories that contradict each other' : reason,
  }
}

/** A head that the key has not signed says nothing of the database, and everything of the file: `go` fails at it, too. */
async function readKeptHead(path: string, { key, name }: SumdbConfig): Promise<Uint8Array | undefined> {
  const note = await readSmall(path)
  try {
    if (note !== undefined) openNote(note, [parseVerifierKey(key)])
    return note
  } catch (cause) {
    if (!(cause instanceof GomodError)) throw cause
    const sentence = `${shownPlace(path)} is damaged, where \`go\` keeps the signed head of ${name} it saw last`
    throw new ModsteadError('checksum_unavailable', sentence, {
      cause,
      next: `keep a copy of it, then remove it: \`go\` makes a new one`,
    })
  }
}

/** What `go` keeps; `undefined` where there is nothing, or nothing that could be meant. `go` makes empty heads. */
async function readSmall(path: string): Promise<Uint8Array | undefined> {
  try {
    const stats = await lstat(path)
    if (!stats.isFile() || stats.size === 0 || stats.size > LARGEST) return undefined
    return await readFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ModsteadError('checksum_unavailable', `${shownPlace(path)} cannot be read (${code})`, {
      cause: error,
    })
  }
}
