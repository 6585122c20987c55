/**
 * What a git server says first when it is asked for a repository: its refs, as protocol version 0 writes them
 * (gitprotocol-pack(5), gitprotocol-http(5)). It is the same over https, ssh and a local program.
 */

/** The refs of a repository that module versions come from. */
export interface RemoteRefs {
  /** Hashes by full name: `HEAD`, `refs/heads/…`, `refs/tags/…`. An annotated tag has the hash of what it stands for. */
  readonly byName: ReadonlyMap<string, string>
  /** Names by hash, in the order of their bytes. */
  readonly namesOf: (hash: string) => readonly string[]
  /** Hex digits of a hash. */
  readonly hashLength: 40 | 64
}

/** An advertisement that breaks the protocol; the message completes the sentence "the server …". */
export class BadAdvertisement extends Error {
  override readonly name = 'BadAdvertisement'
}

const SERVICE = '# service=git-upload-pack'
const PEELED = '^{}'
/** What git itself lets stand in the name of a ref (git-check-ref-format(1)), as far as it could do harm. */
const UNFIT_NAME = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[./]$/u

/** Branches and tags that a repository may have: each takes time from everybody. The largest known have a third. */
export const MOST_REFS = 250_000

/** Packets that are read in one turn of the event loop. */
const AT_ONCE = 2_000

/** Reads an advertisement, in turns with whatever else there is to do. Throws `BadAdvertisement`. */
export async function parseAdvertisement(bytes: Buffer): Promise<RemoteRefs> {
  const found = new Map<string, string>()
  const peeled = new Map<string, string>()
  let hashLength: 40 | 64 = 40
  let first = true
  let count = 0
  for (const line of packetLines(bytes)) {
    if (++count % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
    if (line === SERVICE || line === 'version 1') continue
    if (line.startsWith('ERR ')) throw new BadAdvertisement(`says: ${line.slice('ERR '.length)}`)
    if (line.startsWith('shallow ')) continue
    const [entry = '', capabilities = ''] = line.split('\0', 2)
    if (first && / ?object-format=sha256( |$)/.test(capabilities)) hashLength = 64
    first = false
    const hash = entry.slice(0, hashLength)
    if (entry[hashLength] !== ' ' || !/^[0-9a-f]+$/.test(hash))
      throw new BadAdvertisement('sent something that is not a list of refs')
    const name = entry.slice(hashLength + 1)
    if (name.endsWith(PEELED)) peeled.set(name.slice(0, -PEELED.length), hash)
    else if (isWanted(name)) found.set(name, hash)
    if (found.size > MOST_REFS) throw new BadAdvertisement(`has more than ${MOST_REFS} branches and tags`)
  }
  for (const [name, hash] of peeled) if (found.has(name)) found.set(name, hash)
  return refsOf(found, hashLength)
}

/** Puts refs by name and hash together. */
export function refsOf(byName: ReadonlyMap<string, string>, hashLength: 40 | 64): RemoteRefs {
  let names: Map<string, string[]> | undefined
  return {
    byName,
    hashLength,
    namesOf(hash) {
      names ??= indexByHash(byName)
      return names.get(hash) ?? []
    },
  }
}

function indexByHash(byName: ReadonlyMap<string, string>): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const name of [...byName.keys()].sort()) {
    const hash = byName.get(name)!
    const list = names.get(hash)
    if (list === undefined) names.set(hash, [name])
    else list.push(name)
  }
  return names
}

function isWanted(name: string): boolean {
  if (name === 'HEAD') return true
  return (name.startsWith('refs/heads/') || name.startsWith('refs/tags/')) && !UNFIT_NAME.test(name)
}

/**
 * The lines of a pkt-line stream, without their line breaks, up to the flush packet after the refs. Over HTTP another
 * one stands between the name of the service and the refs.
 */
function* packetLines(bytes: Buffer): Generator<string> {
  let line = ''
  for (let at = 0; at < bytes.length;) {
    const digits = bytes.subarray(at, at + 4).toString('latin1')
    if (digits === '0000') {
      if (line !== SERVICE) return
      line = ''
      at += 4
      continue
    }
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : 0
    if (length < 4 || at + length > bytes.length) break
    line = bytes
      .subarray(at + 4, at + length)
      .toString('utf8')
      .replace(/\n$/, '')
    yield line
    at += length
  }
  throw new BadAdvertisement('sent something that is not a whole list of refs')
}
