import { hashGoMod } from '@modstead/gomod/dirhash'
import { generateKey, parseSignerKey, signNote } from '@modstead/gomod/note'
import { recordHash, type Hash } from '@modstead/gomod/tlog/hash'
import { formatDataTile, formatRecord, formatTree } from '@modstead/gomod/tlog/record'
import { DATA_LEVEL, parseTilePath, readTileData } from '@modstead/gomod/tlog/tile'
import { createAppender } from '@modstead/gomod/tlog/tree'
import type { ModuleTree, TreeFile } from './module-tree.ts'

/** An honest checksum database over a module tree, with a key of its own. */
export interface TestSumdb {
  readonly name: string
  readonly vkey: string
  /** The value of GOSUMDB that trusts it, optionally at a URL of its own. */
  gosumdb(url?: string): string
  /** Answers `/supported`, `/latest`, `/lookup/…` and `/tile/…`; undefined is 404. */
  readonly answer: (path: string) => Promise<TreeFile | undefined>
  /** The same below `/sumdb/<name>`, as a proxy serves it. */
  readonly answerBelowProxy: (path: string) => Promise<TreeFile | undefined>
  /** Records in the log now. */
  size(): number
  /** Adds a record of any text: for logs that are not about the tree. */
  append(record: string): number
}

export interface TestSumdbOptions {
  tree: ModuleTree
  name?: string
  /** 32 bytes: the same seed and name give the same key. */
  seed?: Buffer
  /** Records in front of all others, so that the log has more than one tile and level. */
  fillers?: number
}

/**
 * Records appear on their first lookup, as in the real database. The h1 of a zip is the tree's `.ziphash`; a version
 * of which the tree has no zip gets a hash that nothing can have.
 */
export function createTestSumdb(options: TestSumdbOptions): TestSumdb {
  const { tree, name = 'sum.test.example', fillers = 600 } = options
  const { skey, vkey } = generateKey(name, options.seed)
  const signer = parseSignerKey(skey)
  const records: Buffer[] = []
  const ids = new Map<string, number>()
  const stored: Hash[] = []
  const appender = createAppender()
  const readHashes = (indexes: readonly number[]): Hash[] => indexes.map((index) => stored[index]!)

  function append(text: string): number {
    const record = Buffer.from(text)
    stored.push(...appender.append(recordHash(record)))
    return records.push(record) - 1
  }

  for (let i = 0; i < fillers; i++)
    append(`filler.example/m${i} v1.0.0 ${NO_ZIP}\nfiller.example/m${i} v1.0.0/go.mod ${NO_ZIP}\n`)

  /** `escaped` is `module@version` as in the lookup's path. */
  function lookup(escaped: string): number | undefined {
    const known = ids.get(escaped)
    if (known !== undefined) return known
    const [module = '', version = ''] = escaped.split('@')
    const mod = tree.get(`/${module}/@v/${version}.mod`)
    if (mod === undefined) return undefined
    const h1 = tree.zipHash(module, version) ?? NO_ZIP
    const line = `${unescape(module)} ${unescape(version)}`
    const id = append(`${line} ${h1}\n${line}/go.mod ${hashGoMod(mod.bytes)}\n`)
    ids.set(escaped, id)
    return id
  }

  function head(): Uint8Array {
    return signNote(formatTree(appender.tree()), [signer])
  }

  async function answer(path: string): Promise<TreeFile | undefined> {
    if (path === '/supported') return text('')
    if (path === '/latest') return text(head())
    const wanted = /^\/lookup\/(.+)$/.exec(path)?.[1]
    if (wanted !== undefined) {
      const id = lookup(wanted)
      return id === undefined ? undefined : text(Buffer.concat([formatRecord(id, records[id]!), head()]))
    }
    if (!path.startsWith('/tile/')) return undefined
    const tile = parseTilePath(path.slice(1))
    const first = tile.index * 2 ** tile.height
    const scale = 2 ** (tile.height * Math.max(tile.level, 0))
    if ((first + tile.width) * scale > records.length) return undefined
    if (tile.level === DATA_LEVEL) return text(formatDataTile(records.slice(first, first + tile.width)))
    return { bytes: Buffer.from(await readTileData(tile, readHashes)), type: 'application/octet-stream' }
  }

  return {
    name,
    vkey,
    gosumdb: (url) => (url === undefined ? vkey : `${vkey} ${url}`),
    answer,
    async answerBelowProxy(path) {
      const below = `/sumdb/${name}`
      return path.startsWith(`${below}/`) ? answer(path.slice(below.length)) : undefined
    },
    size: () => records.length,
    append,
  }
}

/** An h1 that nothing can have. */
const NO_ZIP = `h1:${Buffer.alloc(32).toString('base64')}`

function text(body: string | Uint8Array): TreeFile {
  return { bytes: Buffer.from(body), type: 'text/plain; charset=utf-8' }
}

function unescape(escaped: string): string {
  return escaped.replace(/!(.)/g, (_, letter: string) => letter.toUpperCase())
}
