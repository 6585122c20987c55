import type { OriginTimeouts, SumdbConfig } from '../config/config.ts'
import { ModsteadError, type ErrorCode } from '../errors.ts'
import type { OriginOptions } from '../proxy/origin.ts'
import type { SumdbRemote } from '../sumdb/needs.ts'
import { startRun, within } from './deadline.ts'
import { createDiskTree } from './disk-tree.ts'
import { duration } from './failures.ts'
import type { FileTree } from './file-tree.ts'
import { createHttpTree } from './http-tree.ts'
import { createMeter } from './meter.ts'
import type { Outside } from './outside.ts'

/** An origin on the way to the database, and what lets the next be asked for it: as in a list of origins. */
export interface SumdbEntry {
  tree: FileTree
  then: 'absent' | 'any'
}

export interface SumdbRemoteOptions {
  config: Pick<SumdbConfig, 'name' | 'url'>
  /** The origins that are asked first whether they serve the database; none where `config.url` is set. */
  through: readonly SumdbEntry[]
  /** For the database itself. */
  timeouts: OriginTimeouts
  connections: number
  tries: number
  outside: Outside
}

/** The largest file of a database, in bytes: data tiles hold 256 records of a few hundred bytes. */
const LIMIT = 4 << 20
/** For how long an origin's word on whether it serves the database counts, in milliseconds. */
const DECISION_LIFE = 600_000

/** As long as that, where an origin's failure was passed over. */
const DOUBTFUL_LIFE = 30_000

/** Where a database is read: a tree, and the folder in it. */
interface Place {
  tree: FileTree
  folder: string
}

/** The files of a checksum database, as they come: whoever reads them verifies them. */
export interface OpenSumdbRemote extends SumdbRemote {
  /**
   * The file at `path`, which starts with a slash as in the protocol: `/lookup/…`, `/tile/8/…`, `/latest`. Throws
   * `not_found` for 404 and 410, `bad_path`, `aborted`, and `checksum_unavailable` for everything else.
   */
  read(path: string, options: OriginOptions): Promise<Buffer>
  /** Ends the connections to the database itself. */
  close(): Promise<void>
}

/**
 * Reads a checksum database as `go` does: through the first origin that says it supports it, and only through that
 * one; directly where all say 404 or 410. An origin that answers otherwise makes the database unavailable, unless its
 * entry lets any failure pass. A folder needs no `supported` file: what it has of a database that is asked directly is
 * taken from it.
 */
export function createSumdbRemote(options: SumdbRemoteOptions): OpenSumdbRemote {
  const { config, timeouts } = options
  const { name } = config
  const proxied = config.url === undefined ? options.through : []
  const folders = proxied.flatMap(({ tree }) => (tree.kind === 'file' ? [tree] : []))
  const direct: Place = { tree: createDirect(options), folder: '' }
  const meter = createMeter(options.outside.observer, name)
  let decision: { place: Promise<Place>; until: number } | undefined

  /** One decision for all who wait for it, which none of them can abort. */
  function decide(asked: OriginOptions): Promise<Place> {
    if (decision !== undefined && decision.until > Date.now()) return decision.place
    const place = choose(asked)
    const made = { place: place.then((chosen) => chosen.place), until: Infinity }
    decision = made
    place.then(
      ({ life }) => (made.until = Date.now() + life),
      () => (made.until = 0),
    )
    return made.place
  }

  async function choose({ via }: OriginOptions): Promise<{ place: Place; life: number }> {
    const folder = `sumdb/${name}/`
    const asked = {
      signal: new AbortController().signal,
      priority: 'client',
      via,
    } as const
    let life = DECISION_LIFE
    for (const { tree, then } of proxied) {
      try {
        await tree.read(`${folder}supported`, { ...asked, limit: LIMIT })
        return { place: { tree, folder }, life }
      } catch (error) {
        if (isAbsent(error)) continue
        if (then === 'absent') throw error
        life = DOUBTFUL_LIFE
      }
    }
    return { place: direct, life }
  }

  async function readFrom({ tree, folder }: Place, path: string, asked: OriginOptions): Promise<Buffer> {
    const file = await tree.read(`${folder}${path.slice(1)}`, { ...asked, limit: LIMIT })
    if (file === 'unchanged') throw new ModsteadError('internal', 'a record was asked for with a condition')
    meter.received(asked.priority, file.bytes.length)
    return file.bytes
  }

  async function readFromFolders(path: string, asked: OriginOptions): Promise<Buffer | undefined> {
    for (const tree of folders) {
      try {
        return await readFrom({ tree, folder: `sumdb/${name}/` }, path, asked)
      } catch (error) {
        if (!isAbsent(error)) throw error
      }
    }
    return undefined
  }

  async function read(path: string, asked: OriginOptions): Promise<Buffer> {
    if (!isPlainPath(path)) {
      throw new ModsteadError('bad_path', 'this is not the path of a file of a checksum database')
    }
    const { total } = timeouts
    const run = startRun({ signal: asked.signal, total, late: () => tooLate(name, total) })
    const { signal } = run
    try {
      const place = await within(decide(asked), { ms: total, signal, late: () => tooLate(name, total) })
      const found = place === direct ? await readFromFolders(path, { ...asked, signal }) : undefined
      return found ?? (await readFrom(place, path, { ...asked, signal }))
    } catch (error) {
      throw asChecksumFailure(name, error)
    } finally {
      run.end()
    }
  }

  return {
    read: (path, asked) => meter.asked('sumdb', read(path, asked)),
    close: () => direct.tree.close(),
  }
}

function createDirect(options: SumdbRemoteOptions): FileTree {
  const { config, timeouts, connections, tries, outside } = options
  const { name } = config
  const role = { kind: 'checksum database', name } as const
  const url = URL.parse(config.url ?? `https://${name}`)
  switch (url?.protocol) {
    case 'file:':
      return createDiskTree({ role, url, timeouts })
    case 'http:':
    case 'https:':
      return createHttpTree({ role, url, timeouts, connections, tries, outside })
    case undefined:
    default:
      throw new ModsteadError(
        'config_invalid',
        `the URL of checksum database ${name} is not an https, http or file URL`,
      )
  }
}

/** Names in these paths are escaped module paths, versions and numbers: nothing that could lead out of the folder. */
function isPlainPath(path: string): boolean {
  return /^(?:\/[A-Za-z0-9!+,\-.=@_~]+)+$/.test(path) && !/\/\.+(?:\/|$)/.test(path)
}

function isAbsent(error: unknown): boolean {
  return error instanceof ModsteadError && error.code === 'not_found'
}

function tooLate(name: string, total: number): ModsteadError {
  return new ModsteadError(
    'upstream_timeout',
    `checksum database ${name} did not answer within ${duration(total)}`,
  )
}

/** Whatever keeps us from asking the database, the reason why is what people need to read. */
function asChecksumFailure(name: string, error: unknown): unknown {
  if (!(error instanceof ModsteadError) || PASSED_ON.has(error.code)) return error
  return new ModsteadError(
    'checksum_unavailable',
    `checksum database ${name} cannot be asked: ${error.message}`,
    {
      next: error.next,
      origin: error.origin,
      cause: error,
    },
  )
}

const PASSED_ON: ReadonlySet<ErrorCode> = new Set(['not_found', 'aborted', 'shutting_down', 'internal'])
