/** Audits a checksum database from what it publishes, as one of those would who depend on it. */
import { GomodError } from '@modstead/gomod/error'
import { openNote, parseVerifierKey, type Verifier } from '@modstead/gomod/note'
import { createSumdbClient, type SignedHead, type SumdbClient } from '@modstead/gomod/sumdb/client'
import { createMemoryOps } from '@modstead/gomod/sumdb/memory-ops'
import { parseTree } from '@modstead/gomod/tlog/record'
import { edgeTiles } from '@modstead/gomod/tlog/tile'
import { ModsteadError } from '../../errors.ts'
import { checkPublishedRecords } from './audit-records.ts'
import { TILE_HEIGHT } from './storage.ts'

/** Something that no honest database shows. */
export interface Alarm {
  kind: 'fork' | 'shrink' | 'signature' | 'tile' | 'record'
  /** All that somebody needs who is to believe it: lines, with the signed heads. */
  text: string
}

/** The head that was seen last, in a place that outlives the audit. */
export interface SeenHead {
  read(): Promise<Uint8Array | undefined>
  /** Durable when it settles. */
  write(note: Uint8Array): Promise<void>
}

export interface AuditOptions {
  /** Verifier key of the database. */
  key: string
  /** Reads a path of the database, `/latest` or `/tile/…`. Throws `not_found` where it says so. */
  read(path: string, signal: AbortSignal): Promise<Uint8Array>
  seen: SeenHead
  /** Read all records, too, which takes an auditor's token where the database is a modstead's own. */
  records: boolean
  /** Waits before what is not as it should be is asked for again, once. */
  pause: () => Promise<void>
  progress?: (done: number, size: number) => void
  signal: AbortSignal
}

export interface Audit {
  /** Name of the database. */
  name: string
  /** The newest head that was verified; absent where there was none. */
  head?: SignedHead
  /** The one that was remembered from the last audit. */
  before?: SignedHead
  /** How many records were read. */
  records?: number
  /** None: all is well. */
  alarms: Alarm[]
}

/**
 * Verifies the signature of the newest head, that its tiles lead to it, and that the log only grew since the last audit;
 * then remembers that head. A database that could not be asked is no alarm: what `read` and `seen` throw is thrown.
 * Throws `config_invalid` for a remembered head that the key has not signed, and GomodError `invalid_key`.
 */
export async function audit(options: AuditOptions): Promise<Audit> {
  const { key, seen, records, signal } = options
  const verifier = parseVerifierKey(key)
  const { name } = verifier
  const before = openSeen(await seen.read(), verifier)
  const watch = createWatch(options, before?.note)
  let verdict = await watch.look()
  if (verdict.kind === 'error' || isSmaller(watch.shown(), before)) {
    // Caches and replicas may lag, and an answer may be cut or mangled on its way: that is no news yet.
    await options.pause()
    verdict = await watch.look()
  }
  const known = { name, ...(before !== undefined && { before }) }
  const shown = watch.shown()
  if (verdict.kind === 'fork') return { ...known, alarms: [{ kind: 'fork', text: verdict.text }] }
  if (isSmaller(shown, before)) return { ...known, alarms: [shrunk(name, before!, shown!)] }
  if (verdict.kind === 'error') return { ...known, alarms: [alarmOf(verdict.error, watch.latest())] }
  const { head } = verdict
  await seen.write(head.note)
  const result: Audit = { ...known, head, alarms: [] }
  if (records) await checkPublishedRecords({ ...options, client: watch.client, size: head.tree.size, result })
  signal.throwIfAborted()
  return result
}

type Verdict =
  | { kind: 'good'; head: SignedHead }
  | { kind: 'fork'; text: string }
  | { kind: 'error'; error: unknown }

interface Watch {
  client: SumdbClient
  /** Asks for the newest head, and proves it. */
  look(): Promise<Verdict>
  /** The head that was answered last, where the key has signed it, and its bytes, whoever has. */
  shown(): SignedHead | undefined
  latest(): Uint8Array | undefined
}

function createWatch({ key, read, signal }: AuditOptions, before: Uint8Array | undefined): Watch {
  const verifier = parseVerifierKey(key)
  let latest: Uint8Array | undefined
  const ops = createMemoryOps(async (path, signal) => {
    const bytes = await read(path, signal)
    if (path === '/latest') latest = bytes
    return bytes
  })
  ops.head = before
  // Each tile is read once, and those of a long log would fill the memory.
  ops.writeCache = () => Promise.resolve()
  const client = createSumdbClient({ verifierKey: key, ops })
  return {
    client,
    latest: () => latest,
    shown() {
      try {
        return latest && openHead(latest, verifier)
      } catch (error) {
        if (error instanceof GomodError) return undefined
        throw error
      }
    },
    async look() {
      try {
        const head = await client.head(signal)
        // A head that was seen before is proven, too, by what is published now.
        for (const tile of edgeTiles(TILE_HEIGHT, head.tree.size)) await client.readTile(tile, signal)
        return { kind: 'good', head }
      } catch (error) {
        if (error instanceof GomodError && error.code === 'log_fork')
          return { kind: 'fork', text: error.message }
        if (isVerdict(error)) return { kind: 'error', error }
        throw error
      }
    },
  }
}

/** It was answered, and what was answered is what is wrong. */
function isVerdict(error: unknown): boolean {
  if (error instanceof ModsteadError) return error.code === 'not_found'
  return error instanceof GomodError && ALARMING.has(error.code)
}

const ALARMING: ReadonlyMap<string, Alarm['kind']> = new Map([
  ['invalid_note', 'signature'],
  ['unverified_note', 'signature'],
  ['unverified_tile', 'tile'],
  ['tile_not_found', 'tile'],
])

function alarmOf(error: unknown, latest: Uint8Array | undefined): Alarm {
  const kind = error instanceof GomodError ? ALARMING.get(error.code)! : 'tile'
  const message = error instanceof Error ? error.message : String(error)
  if (latest === undefined && error instanceof ModsteadError) throw error
  const head = latest === undefined ? [] : ['', 'the head that it shows:', ...indented(latest)]
  return { kind, text: [message, ...head].join('\n') }
}

function isSmaller(shown: SignedHead | undefined, before: SignedHead | undefined): boolean {
  return shown !== undefined && before !== undefined && shown.tree.size < before.tree.size
}

function shrunk(name: string, before: SignedHead, shown: SignedHead): Alarm {
  const lines = [
    `The checksum database ${name} has lost records: it had signed ${before.tree.size}, and now, asked twice, shows a head over ${shown.tree.size}.`,
    'What it signs from now on may contradict what it signed before. Find out whether a backup was restored.',
    '',
    'signed tree head that was seen before:',
    ...indented(before.note),
    '',
    'signed tree head that it shows now:',
    ...indented(shown.note),
  ]
  return { kind: 'shrink', text: lines.join('\n') }
}

function openSeen(note: Uint8Array | undefined, verifier: Verifier): SignedHead | undefined {
  if (note === undefined) return undefined
  try {
    return openHead(note, verifier)
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError(
      'config_invalid',
      `the remembered head is not one of ${verifier.name}: ${error.message}`,
      { cause: error, next: 'name the state file of this database, or the key that it had' },
    )
  }
}

function openHead(note: Uint8Array, verifier: Verifier): SignedHead {
  return { tree: parseTree(openNote(note, [verifier]).text), note }
}

function indented(note: Uint8Array): string[] {
  const text = Buffer.from(note).toString().trimEnd()
  return text.split('\n').map((line) => (line === '' ? '' : `\t${line}`))
}
