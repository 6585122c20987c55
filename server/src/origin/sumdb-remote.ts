import type { OriginTimeouts, SumdbConfig } from '../config/config.ts'
import { ModsteadError, type ErrorCode } from '../errors.ts'
import type { OriginOptions } from '../proxy/origin.ts'
import { createOutages } from '../proxy/outages.ts'
import type { SumdbRemote } from '../sumdb/needs.ts'
import { startRun, within } from './deadline.ts'
import { createDiskTree } from './disk-tree.ts'
import { duration } from './failures.ts'
import type { FileTree } from './file-tree.ts'
import { createHttpTree } from './http-tree.ts'
import { createMeter } from './meter.ts'
import type { Outside } from './outside.ts'
import { directly, isAbsent, type SumdbWay, throughOrigin } from './sumdb-way.ts'

export interface SumdbRemoteOptions {
  config: Pick<SumdbConfig, 'name' | 'url'>
  /** The origins that are asked first whether they serve the database; none where `config.url` is set. */
  through: readonly FileTree[]
  /** For the database itself. */
  timeouts: OriginTimeouts
  connections: number
  tries: number
  outside: Outside
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
 * Reads a checksum database as `go` does: through the first origin that says it supports it; directly where all say
 * 404 or 410. Unlike `go`, it passes over an origin that fails, since whatever the next one says is proven by the
 * database's own signature. A folder needs no `supported` file: what it has of a database that is asked directly is
 * taken from it.
 */
export function createSumdbRemote(options: SumdbRemoteOptions): OpenSumdbRemote {
  const { config, timeouts } = options
  const { name } = config
  const through = config.url === undefined ? options.through : []
  const direct = createDirect(options)
  const share = { total: timeouts.total / 4, late: () => tooLate(name, timeouts.total / 4) }
  const ways = [
    ...through.map((tree) => throughOrigin({ tree, name, deadline: share })),
    directly({ tree: direct, name, folders: through.filter(({ kind }) => kind === 'file') }),
  ]
  const outages = createOutages<SumdbWay>(Date.now)
  const meter = createMeter(options.outside.observer, name)

  /** One way may take a part of the time only, so that something is left for the others; the last has it all. */
  async function readOn(way: SumdbWay, path: string, asked: OriginOptions): Promise<Buffer | 'unsupported'> {
    if (way.isDirect) return way.read(path, asked)
    const run = startRun({ signal: asked.signal, ...share })
    const { signal } = run
    try {
      const { total: ms, late } = share
      return await within(way.read(path, { ...asked, signal }), { ms, signal, late })
    } finally {
      run.end()
    }
  }

  async function readSomehow(path: string, asked: OriginOptions): Promise<Buffer> {
    let failure: ModsteadError | undefined
    for (const way of ways) {
      const outage = outages.current(way)
      if (outage !== undefined) {
        failure ??= outage
        continue
      }
      try {
        const found = await readOn(way, path, asked)
        outages.answered(way)
        if (found !== 'unsupported') return found
      } catch (error) {
        if (isAbsent(error)) {
          outages.answered(way)
          // The word of the database itself; that of another counts where nobody before it failed to speak.
          if (way.isDirect || failure === undefined) throw error
        } else {
          if (!isOutage(error) || asked.signal.aborted) throw error
          outages.failed(way, error)
          failure ??= error
        }
      }
    }
    throw failure ?? new ModsteadError('internal', 'a checksum database had no way to it')
  }

  async function read(path: string, asked: OriginOptions): Promise<Buffer> {
    if (!isPlainPath(path)) {
      throw new ModsteadError('bad_path', 'this is not the path of a file of a checksum database')
    }
    const { total } = timeouts
    const run = startRun({ signal: asked.signal, total, late: () => tooLate(name, total) })
    const { signal } = run
    try {
      const bytes = await readSomehow(path, { ...asked, signal })
      meter.received(asked.priority, bytes.length)
      return bytes
    } catch (error) {
      throw asChecksumFailure(name, error)
    } finally {
      run.end()
    }
  }

  return {
    read: (path, asked) => meter.asked('sumdb', read(path, asked)),
    close: () => direct.close(),
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

/** The way is ill, as opposed to: what comes along it is wrong. */
function isOutage(error: unknown): error is ModsteadError {
  return error instanceof ModsteadError && OUTAGES.has(error.code)
}

const OUTAGES: ReadonlySet<ErrorCode> = new Set([
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_failed',
  'upstream_refused',
  'upstream_page',
])

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
