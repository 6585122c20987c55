import type { OriginCredentials } from '../../config/config.ts'
import { ModsteadError } from '../../errors.ts'
import { createObserver } from '../../observe/create-observer.ts'
import { createDiskTree } from '../../origin/disk-tree.ts'
import type { FileTree } from '../../origin/file-tree.ts'
import { createHttpTree } from '../../origin/http-tree.ts'
import { createViaId } from '../../origin/loop.ts'
import { createOutside } from '../../origin/outside.ts'
import { hostWordsOf } from '../../origin/statuses.ts'
import type { CommandContext } from '../context.ts'
import { readTokenIfAny } from '../token.ts'

export interface PublishedFlags {
  /** A modstead as in GOPROXY, the checksum database itself, or a folder (`file:`) with its files. */
  address: string
  /** Name of the database. */
  name: string
  /** For the records in bulk. */
  tokenFile?: string | undefined
}

/** What a checksum database publishes. */
export interface Published {
  /**
   * Reads a path of the database, such as `/latest`. Throws `not_found` for 404, `upstream_refused` for records without
   * a token that may audit, and otherwise as origins do.
   */
  read(path: string, signal: AbortSignal): Promise<Uint8Array>
  close(): Promise<void>
}

/** Milliseconds. */
const TIMEOUTS = {
  lookup: 10_000,
  connect: 10_000,
  tls: 10_000,
  headers: 30_000,
  idle: 30_000,
  total: 120_000,
}
/** A data tile has some 60 kilobytes. Bytes. */
const LARGEST = 16 << 20

/**
 * Finds a database at an address: below it as a proxy serves it, where it says that it does, else at its root. Throws
 * `config_invalid` for an address that is none, or a token that cannot be read.
 */
export async function openPublished(flags: PublishedFlags, context: CommandContext): Promise<Published> {
  const { address, name } = flags
  const url = addressOf(address)
  const token = await readTokenIfAny(flags, context)
  const observer = createObserver(
    { level: 'error', format: 'text' },
    { stdout: context.stderr, isTTY: context.stderr.isTTY === true },
  )
  const outside = createOutside({ observer, via: createViaId(), env: context.env, urls: [address] })
  const role = { kind: 'checksum database', name } as const
  const treeWith = (credentials?: OriginCredentials): FileTree => {
    if (url.protocol === 'file:') return createDiskTree({ role, url, timeouts: TIMEOUTS })
    return createHttpTree({
      role,
      url,
      timeouts: TIMEOUTS,
      connections: 8,
      tries: 3,
      outside,
      ...(credentials !== undefined && { credentials }),
    })
  }
  const tree = treeWith()
  // A token is shown for what needs it only.
  const auditors = token === undefined ? tree : treeWith({ kind: 'bearer', token })

  async function readFrom(from: FileTree, path: string, signal: AbortSignal): Promise<Uint8Array> {
    const answer = await from.read(path, { signal, priority: 'client', limit: LARGEST })
    if (answer === 'unchanged') throw new TypeError('nothing was asked for with a condition')
    return answer.bytes
  }

  const isDirect = url.pathname.replace(/\/$/, '').endsWith(`/sumdb/${name}`)
  let base: Promise<string> | undefined
  const findBase = async (signal: AbortSignal): Promise<string> => {
    if (isDirect) return ''
    try {
      await readFrom(tree, `sumdb/${name}/supported`, signal)
      return `sumdb/${name}/`
    } catch (error) {
      if (error instanceof ModsteadError && error.code === 'not_found') return ''
      throw error
    }
  }

  return {
    async read(path, signal) {
      let relative = path.slice(1)
      try {
        base ??= findBase(signal)
        relative = `${await base}${relative}`
        return await readFrom(path.startsWith('/tile/8/data/') ? auditors : tree, relative, signal)
      } catch (error) {
        throw explained(error, { path: relative, url, address, hasToken: token !== undefined })
      }
    },
    async close() {
      await tree.close()
      if (auditors !== tree) await auditors.close()
    },
  }
}

function addressOf(address: string): URL {
  const url = URL.parse(address)
  if (url === null || !['http:', 'https:', 'file:'].includes(url.protocol) || /[?#]/.test(address))
    throw new ModsteadError('config_invalid', `"${address}" is not the address of a checksum database`, {
      next: 'write that of a modstead as in GOPROXY, or of the database: https://go.corp.example',
    })
  // Everyone on the machine can read the arguments of a process.
  if (url.username + url.password !== '')
    throw new ModsteadError('config_invalid', 'a login does not belong into the address', {
      next: 'put the token into the variable MODSTEAD_TOKEN, or into a file that --token-file names',
    })
  return url
}

function explained(
  error: unknown,
  { path, url, address, hasToken }: { path: string; url: URL; address: string; hasToken: boolean },
): unknown {
  if (!(error instanceof ModsteadError)) return error
  if (error.code === 'not_found')
    return new ModsteadError('not_found', `${url.host || address} does not have ${path}`, {
      cause: error,
      next: 'check the address, and that the key is that of the database there',
    })
  const words = hostWordsOf(error)
  const message = words === undefined ? error.message : error.message.replace(words.quoted, () => words.cause)
  const isBulk = error.code === 'upstream_refused' && path.includes('tile/8/data/')
  const next = isBulk ? (hasToken ? NEEDS_AUDIT : NEEDS_TOKEN) : words?.next
  return next === undefined ? error : new ModsteadError(error.code, message, { cause: error, next })
}

const NEEDS_AUDIT = 'records in bulk name every private module: the token needs "audit" among what it may do'
const NEEDS_TOKEN =
  'records in bulk name every private module: set MODSTEAD_TOKEN or --token-file to a token that may audit'
