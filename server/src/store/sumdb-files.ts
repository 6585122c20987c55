import { join } from 'node:path'
import { HASH_SIZE } from '@modstead/gomod/tlog/hash'
import { ModsteadError } from '../errors.ts'
import type { SumdbFiles } from '../sumdb/needs.ts'
import type { DataFolder } from './data-folder.ts'
import { createDurable } from './durable.ts'
import { absentAs, storeError } from '../disk-errors.ts'
import { type FileSystem, localFileSystem } from './file-system.ts'
import { createTurns } from './turns.ts'

/**
 * The files of one mirrored checksum database. Lookups and tiles lie in the public tree, where `go` keeps them in its
 * own cache (`sumdb/NAME/lookup/…`, `sumdb/NAME/tile/8/…`), so that a `GOPROXY=file://` has them too; the signed head
 * lies beside the trees. An empty file, which a power cut may leave, is none.
 *
 * Names and paths are checked here, for they come from outside: `bad_path` for one that could lead elsewhere.
 * Failures of the medium are `store_unavailable`.
 */
export function openSumdbFiles(
  folder: Pick<DataFolder, 'path' | 'public' | 'temporary' | 'sumdb'>,
  name: string,
  { files = localFileSystem }: { files?: FileSystem } = {},
): SumdbFiles {
  const durable = createDurable({ files, temporary: folder.temporary, root: folder.path })
  const inTurn = createTurns()
  if (!isSafe(name, ELEMENT_OF_NAME)) {
    throw new ModsteadError('bad_path', `"${name}" cannot be the name of a checksum database`)
  }
  const cache = join(folder.public, 'sumdb', name)
  const head = join(folder.sumdb, name, 'latest')

  function cachePath(path: string): string {
    if (/^(lookup|tile)\//.test(path) && isSafe(path, ELEMENT_OF_PATH)) return join(cache, path)
    throw new ModsteadError('bad_path', `"${path}" is not a path of a checksum database`)
  }

  async function read(path: string): Promise<Buffer | undefined> {
    try {
      const bytes = await files.readFile(path).catch(absentAs(undefined))
      return bytes?.length === 0 ? undefined : bytes
    } catch (error) {
      throw storeError(error, 'read a file of a checksum database')
    }
  }

  /**
   * A hash tile only grows. A cache that came from elsewhere may have it as it was when its log was larger: the narrow
   * one is the beginning of that. (Of the records in a data tile this cannot be told by counting bytes.)
   */
  async function readWider(path: string): Promise<Buffer | undefined> {
    const [, tile, width] = NARROW_HASH_TILE.exec(path) ?? []
    if (tile === undefined) return undefined
    const folder = cachePath(tile)
    const names = await files.readdir(folder).catch(absentAs<string[]>([]))
    const widths = names.filter((name) => /^[0-9]{1,3}$/.test(name)).map(Number)
    for (const wider of widths.filter((other) => other > Number(width)).toSorted((a, b) => a - b)) {
      const bytes = await read(join(folder, `${wider}`))
      if (bytes?.length === wider * HASH_SIZE) return bytes.subarray(0, Number(width) * HASH_SIZE)
    }
    return undefined
  }

  return {
    readCache: async (path) => (await read(cachePath(path))) ?? (await readWider(path)),
    async writeCache(path, bytes, { lasting }) {
      const to = cachePath(path)
      try {
        if (lasting) await durable.replace(await durable.write(bytes), to)
        else await durable.publish(bytes, to)
      } catch (error) {
        throw storeError(error, 'keep a file of a checksum database')
      }
    },
    readHead: () => read(head),
    writeHead: (old, next) =>
      inTurn(head, async () => {
        const held = await read(head)
        if (held === undefined ? old !== undefined : old === undefined || !held.equals(old)) return 'conflict'
        try {
          await durable.replace(await durable.write(next), head)
        } catch (error) {
          throw storeError(error, 'keep the signed head of a checksum database')
        }
        return 'ok'
      }),
  }
}

/** The folder of a hash tile's parts, and the width of one. */
const NARROW_HASH_TILE = /^(tile\/8\/[0-9]+\/(?:x[0-9]{3}\/)*[0-9]{3}\.p)\/([0-9]{1,3})$/

/** Elements of database names: `sum.golang.org`, `host:8080/path`. None of them can be one of our own names. */
const ELEMENT_OF_NAME = /^(?!lookup$|tile$|latest$)[A-Za-z0-9_~:.-]+$/
/** Elements of escaped module paths, of versions and of tile paths. */
const ELEMENT_OF_PATH = /^[A-Za-z0-9_~!@+.-]+$/

function isSafe(path: string, element: RegExp): boolean {
  return path.length <= 1_000 && path.split('/').every((part) => element.test(part) && !/^\.+$/.test(part))
}
