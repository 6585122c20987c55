/** For tests: a client with a history, a log that has grown since, a question, and somebody hostile between them. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DATA_LEVEL, type Tile, tilePath, widestTile } from '../tlog/tile.ts'
import type { LookupResult, SignedHead, SumdbClient } from './client.ts'
import {
  ask,
  clientOf,
  createExampleDatabase,
  grow,
  HEIGHT,
  NotFound,
  opsFor,
  type Tamper,
} from './fixture.ts'
import { type Draw, lookupSpans } from './hostile.fixture.ts'
import type { MemoryDatabase } from './memory-database.ts'
import type { MemoryOps } from './memory-ops.ts'

/** Kinds of answers. */
export type Kind = 'lookup' | 'latest' | 'hash tile' | 'data tile'
type Asked = 'lookup' | 'head' | 'hash tile' | 'data tile'

/** What has to be asked for an answer of a kind to be needed. */
export const QUESTIONS: Readonly<Record<Kind | 'any', readonly Asked[]>> = {
  lookup: ['lookup'],
  latest: ['head', 'hash tile', 'data tile'],
  'hash tile': ['lookup', 'hash tile', 'data tile'],
  'data tile': ['data tile'],
  any: ['lookup', 'head', 'hash tile', 'data tile'],
}

export function kindOf(path: string): Kind {
  if (path === '/latest') return 'latest'
  if (path.startsWith('/lookup/')) return 'lookup'
  return path.includes('/data/') ? 'data tile' : 'hash tile'
}

export interface Scene {
  /** Records beside the first four when the client first looked; it did not look where it is 0. */
  before: number
  /** Records since. */
  more: number
  question: Asked
  /** Which of the answers of a kind is meant, from 0. */
  nth: number
  draws: fc.Stream<number>
}

export function scenes(questions: readonly Asked[]): fc.Arbitrary<Scene> {
  return fc.record({
    before: fc.integer({ min: 0, max: 90 }),
    more: fc.integer({ min: 1, max: 90 }),
    question: fc.constantFrom(...questions),
    nth: fc.constantFrom(0, 0, 1, 2),
    draws: fc.infiniteStream(fc.nat()),
  })
}

export function drawer(draws: fc.Stream<number>): Draw {
  return (n) => (n === 0 ? 0 : (draws.next().value as number) % n)
}

export interface Question {
  ask(client: SumdbClient): Promise<unknown>
  /** Fails unless this is the truth. */
  check(answer: unknown): Promise<void>
}

const { signal } = new AbortController()

/** About the first `size` records of the log. */
export function questionOf(kind: Asked, database: MemoryDatabase, size: number, draw: Draw): Question {
  if (kind === 'head')
    return {
      ask: (client) => client.head(signal),
      async check(answer) {
        const { tree, note } = answer as SignedHead
        assert.deepEqual(Buffer.from(note), Buffer.from(await database.signedAt(tree.size)))
      },
    }
  if (kind === 'lookup') {
    const id = 4 + draw(size - 4)
    return {
      ask: (client) => client.lookup(`pkg.example/${id}`, 'v1.0.0', signal),
      async check(answer) {
        const { id: given, record } = answer as LookupResult
        const [truth] = await database.readRecords(id, 1, signal)
        assert.deepEqual([given, Buffer.from(record)], [id, Buffer.from(truth!)])
      },
    }
  }
  const tile = someTile(kind === 'data tile' ? DATA_LEVEL : 0, size, draw)
  return {
    ask: (client) => client.readTile(tile, signal),
    async check(answer) {
      const truth = await ask(database, `/${tilePath(tile)}`)
      assert.deepEqual(Buffer.from(answer as Uint8Array), Buffer.from(truth))
    },
  }
}

/** Not the first: its records are not of one form. */
function someTile(level: number, size: number, draw: Draw): Tile {
  const index = 1 + draw(Math.ceil(size / 2 ** HEIGHT) - 1)
  const { width } = widestTile(HEIGHT, level, index, size)!
  return { height: HEIGHT, level, index, width: 1 + draw(width) }
}

export interface Staged {
  database: MemoryDatabase
  client: SumdbClient
  ops: MemoryOps
  question: Question
  draw: Draw
  /** Sizes of the log whose heads somebody may have been given. */
  sizes: readonly number[]
}

/** A client with its history. What it asks from then on, `tamper` answers. */
export async function stage({ before, more, question, draws }: Scene, tamper: Tamper): Promise<Staged> {
  const draw = drawer(draws)
  const database = createExampleDatabase()
  let honest = true
  const ops = opsFor(database, (path, given) => (honest ? given() : tamper(path, given)))
  const client = clientOf(ops)
  if (before > 0) {
    grow(database, before)
    const earlier = questionOf(draw(2) === 0 ? 'head' : 'lookup', database, database.size, draw)
    await earlier.check(await earlier.ask(client))
  }
  const seen = database.size
  grow(database, more)
  honest = false
  const asked = questionOf(question, database, database.size, draw)
  return { database, client, ops, question: asked, draw, sizes: [seen, database.size] }
}

/** Whether it was refused. What was not is checked, and so is all that is kept. */
export async function refused({ database, client, ops, question, sizes }: Staged): Promise<boolean> {
  let answer: unknown
  try {
    answer = await question.ask(client)
  } catch (error) {
    const known = error instanceof Error && (error.name === 'GomodError' || error instanceof NotFound)
    assert.ok(known, error instanceof Error ? error.stack : String(error))
    await checkKept(ops, database, sizes)
    return true
  }
  await question.check(answer)
  await checkKept(ops, database, sizes)
  return false
}

/** What a client keeps must be what the database gives, or gave under an earlier head. */
async function checkKept(ops: MemoryOps, database: MemoryDatabase, sizes: readonly number[]): Promise<void> {
  const heads = await Promise.all(sizes.map((size) => database.signedAt(size)))
  const isHead = (note: Uint8Array) => heads.some((head) => Buffer.compare(head, note) === 0)
  if (ops.head !== undefined) assert.ok(isHead(ops.head), 'a head was kept that the log never had')
  for (const [path, bytes] of ops.cache) {
    const truth = await ask(database, path)
    if (kindOf(path) !== 'lookup') {
      assert.ok(Buffer.compare(truth, bytes) === 0, `${path} was kept, and is not that of the log`)
      continue
    }
    const [kept, given] = [bytes, truth].map((answer) => answer.subarray(0, headStart(answer)))
    assert.ok(Buffer.compare(kept!, given!) === 0, `${path} was kept, and is not that of the log`)
    assert.ok(isHead(bytes.subarray(headStart(bytes))), `${path} was kept with a head that the log never had`)
  }
}

function headStart(answer: Uint8Array): number {
  return lookupSpans(answer).find((span) => span.class === 'title of the tree')!.from
}

/** Grows a log to this size; gives it. */
export function growHonest(database: MemoryDatabase, size: number): MemoryDatabase {
  grow(database, size - database.size)
  return database
}

/** The same, with records of the same versions that say something else. */
export function growEvil(database: MemoryDatabase, size: number): MemoryDatabase {
  while (database.size < size) {
    const path = `pkg.example/${database.size}`
    database.add(path, 'v1.0.0', `${path} v1.0.0 h1:evil-${database.size}=\n${path} v1.0.0/go.mod h1:mod=\n`)
  }
  return database
}
