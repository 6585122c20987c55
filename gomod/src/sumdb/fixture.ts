/** For tests: the small log of golang.org/x/mod's own client tests, its keys, and clients that ask it directly. */
import { parseTree } from '../tlog/record.ts'
import { createSumdbClient, type SumdbClient } from './client.ts'
import { createMemoryDatabase, type MemoryDatabase } from './memory-database.ts'
import { createMemoryOps, type MemoryOps } from './memory-ops.ts'
import { answerSumdb } from './server.ts'

export const VKEY = 'localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6'
export const SKEY =
  'PRIVATE+KEY+localhost.localdev/sumdb+00000c67+AXu6+oaVaOYuQOFrf1V59JK1owcFlJcHwwXHDfDGxSPk'

/** Low, so that few records make many tiles. */
export const HEIGHT = 2

const RECORDS: [path: string, version: string, record: string][] = [
  [
    'rsc.io/quote',
    'v1.5.2',
    'rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n' +
      'rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=\n' +
      'rsc.io/quote v1.5.2 h2:xyzzy\n',
  ],
  [
    'golang.org/x/text',
    'v0.0.0-20170915032832-14c0d48ead0c',
    'golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c h1:qgOY6WgZOaTkIIMiVjBQcw93ERBE4m30iBm00nkL0i8=\n' +
      'golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c/go.mod h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=\n',
  ],
  [
    'rsc.io/sampler',
    'v1.3.0',
    'rsc.io/sampler v1.3.0 h1:7uVkIFmeBqHfdjD+gZwtXXI+RODJ2Wc4O7MPEh/QiW4=\n' +
      'rsc.io/sampler v1.3.0/go.mod h1:T1hPZKmBbMNahiBKFy5HrXp6adAjACjK9JXDnKaTXpA=\n',
  ],
  ['rsc.io/Quote', 'v1.5.2', 'rsc.io/Quote v1.5.2 h1:uppercase!=\n'],
]

/** A database with those four records, and `more` made-up ones: `pkg.example/N v1.0.0` has the id N. */
export function createExampleDatabase(more = 0): MemoryDatabase {
  const database = createMemoryDatabase({ skey: SKEY })
  for (const [path, version, record] of RECORDS) database.add(path, version, record)
  grow(database, more)
  return database
}

export function grow(database: MemoryDatabase, count: number): void {
  for (const end = database.size + count; database.size < end;) {
    const path = `pkg.example/${database.size}`
    database.add(path, 'v1.0.0', `${path} v1.0.0 h1:hash-${database.size}=\n${path} v1.0.0/go.mod h1:mod=\n`)
  }
}

/** What a database says when it has no such thing. */
export class NotFound extends Error {}

export async function ask(database: MemoryDatabase, path: string): Promise<Uint8Array> {
  const answer = await answerSumdb(database, path, AbortSignal.timeout(10_000))
  if (answer === undefined) throw new NotFound(path)
  return answer.body
}

/** Changes what the database answers, on the way to the client. */
export type Tamper = (path: string, honest: () => Promise<Uint8Array>) => Promise<Uint8Array> | Uint8Array

/** The outside of a client of `database`, everything kept in memory. */
export function opsFor(database: MemoryDatabase, tamper: Tamper = (_, honest) => honest()): MemoryOps {
  return createMemoryOps(async (path) => tamper(path, () => ask(database, path)))
}

export function clientOf(ops: MemoryOps, rememberedTiles = 100): SumdbClient {
  return createSumdbClient({ ops, verifierKey: VKEY, tileHeight: HEIGHT, rememberedTiles })
}

/** The size of the tree that a head is of; 0 for none. */
export function sizeOf(note: Uint8Array | undefined): number {
  return note === undefined ? 0 : parseTree(Buffer.from(note).toString()).size
}
