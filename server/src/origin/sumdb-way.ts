import type { OriginOptions } from '../proxy/origin.ts'
import { ModsteadError } from '../errors.ts'
import { htmlAnswer } from './body.ts'
import { startRun } from './deadline.ts'
import type { FileTree } from './file-tree.ts'

/** One way to a checksum database: through an origin, or directly. Failures are those of `FileTree`. */
export interface SumdbWay {
  /** The file at `path`; `unsupported` where this way does not lead to the database. */
  read(path: string, options: OriginOptions): Promise<Buffer | 'unsupported'>
  /** Its 404 is the word of the database itself. */
  readonly isDirect: boolean
}

/** The largest file of a database, in bytes: data tiles hold 256 records of a few hundred bytes. */
const LIMIT = 4 << 20
/** For how long an origin's word on whether it serves the database counts, in milliseconds. */
const WORD_LIFE = 600_000

export interface ThroughOriginOptions {
  tree: FileTree
  /** Name of the database. */
  name: string
  /** What asking whether it serves the database may take. */
  deadline: { total: number; late: () => ModsteadError }
}

/** Through an origin, which is asked first whether it serves the database. */
export function throughOrigin({ tree, name, deadline }: ThroughOriginOptions): SumdbWay {
  const folder = `sumdb/${name}/`
  let word: { serves: Promise<boolean>; until: number } | undefined

  /** One question for all who wait for the answer, which none of them can abort. */
  function serves(via: string | undefined): Promise<boolean> {
    if (word !== undefined && word.until > Date.now()) return word.serves
    const asked = { serves: ask(via), until: Infinity }
    word = asked
    asked.serves.then(
      () => (asked.until = Date.now() + WORD_LIFE),
      () => (asked.until = 0),
    )
    return asked.serves
  }

  async function ask(via: string | undefined): Promise<boolean> {
    const run = startRun({ signal: new AbortController().signal, ...deadline })
    try {
      const options = { signal: run.signal, priority: 'client', ...(via !== undefined && { via }) } as const
      await readFile(tree, `${folder}supported`, options)
      return true
    } catch (error) {
      if (isAbsent(error)) return false
      throw error
    } finally {
      run.end()
    }
  }

  return {
    isDirect: false,
    read: async (path, options) =>
      (await serves(options.via)) ? readFile(tree, `${folder}${path.slice(1)}`, options) : 'unsupported',
  }
}

export interface DirectOptions {
  tree: FileTree
  /** Name of the database. */
  name: string
  /** Trees on disk that may have files of the database, whether or not they say so. */
  folders: readonly FileTree[]
}

/** The database itself, after the folders. */
export function directly({ tree, name, folders }: DirectOptions): SumdbWay {
  return {
    isDirect: true,
    async read(path, options) {
      for (const folder of folders) {
        try {
          return await readFile(folder, `sumdb/${name}${path}`, options)
        } catch (error) {
          if (!isAbsent(error)) throw error
        }
      }
      return readFile(tree, path.slice(1), options)
    },
  }
}

export function isAbsent(error: unknown): boolean {
  return error instanceof ModsteadError && error.code === 'not_found'
}

/** Nothing but tiles may start with `<`; a web page does, whatever it is declared to be. */
async function readFile(tree: FileTree, path: string, options: OriginOptions): Promise<Buffer> {
  const file = await tree.read(path, { ...options, limit: LIMIT })
  if (file === 'unchanged') throw new ModsteadError('internal', 'a record was asked for with a condition')
  if (file.bytes[0] === LESS_THAN && !/(?:^|\/)tile\/8\//.test(path)) throw htmlAnswer(tree.peer)
  return file.bytes
}

const LESS_THAN = 0x3c
