/**
 * The one history of a log that a client believes in: the newest signed head it has verified, and the tree proven
 * under it. Every head the database shows is merged into it: one as large or smaller must be a beginning of it, a
 * larger one must begin with it and takes its place, kept first, believed then. Anything else is a fork.
 */
import { GomodError } from '../error.ts'
import { openNote, type Verifier } from '../note.ts'
import { emptyTreeHash, equalHashes, HASH_SIZE, type Hash } from '../tlog/hash.ts'
import { parseTree } from '../tlog/record.ts'
import { fullWidth, isFullTile, tilePath, type Tile } from '../tlog/tile.ts'
import { treeHash, type Tree } from '../tlog/tree.ts'
import { forkError, type SignedHead } from './fork.ts'
import type { SumdbOps, WriteCacheOptions } from './ops.ts'
import { createProvenTree, type ProvenTree } from './proven-tree.ts'
import { createTileMemory } from './tile-memory.ts'
import { readCachedTile, readTileBytes, type ReadTileOptions, type TileBytes } from './tile-source.ts'
import { createUnjoined } from './unjoined.ts'
import { abortable, createLock } from './waiting.ts'

/** A head that is believed. */
export interface BelievedHead extends SignedHead {
  readonly proven: ProvenTree
}

export interface Timeline {
  /** The head believed now, the one kept from earlier to begin with. Throws GomodError where that one is not valid. */
  current(signal: AbortSignal): Promise<BelievedHead | undefined>
  /** Verifies the signature of a head. Throws GomodError `invalid_note` or `unverified_note`. */
  open(note: Uint8Array): SignedHead
  /**
   * Merges a head whose signature was verified; gives the head believed then, at least as large. Throws GomodError
   * `unverified_tile` where its tiles do not belong to it, `log_fork`, `head_conflict`, and what the ops throw.
   */
  merge(head: SignedHead, signal: AbortSignal): Promise<BelievedHead>
  /**
   * The tree under a head whose signature was verified and that cannot be merged now, from cached tiles alone; the head
   * is merged by `settle`. Throws GomodError `tile_not_found` where the cache lacks one of its edge (as the tree does
   * for any other), `unverified_tile`, `log_fork`, `head_conflict` where too many heads wait for that.
   */
  proveAlone(head: SignedHead, signal: AbortSignal): Promise<ProvenTree>
  /** To be called whenever the database has answered: merges heads of `proveAlone`. Throws `log_fork`. */
  settle(signal: AbortSignal): Promise<void>
}

export interface TimelineOptions {
  readonly ops: SumdbOps
  readonly verifier: Verifier
  /** Tile height. */
  readonly height: number
  /** Full tiles remembered at most. */
  readonly tiles: number
}

export function createTimeline({ ops, verifier, height, tiles }: TimelineOptions): Timeline {
  const memory = createTileMemory(tiles)
  const lock = createLock()
  let believed: BelievedHead | undefined
  /** What `ops` keeps, as far as we know. */
  let kept: Uint8Array | undefined
  let loading: Promise<void> | undefined
  const unjoined = createUnjoined(merge)

  return {
    current,
    open: openHead,
    merge,
    async proveAlone(head, signal) {
      const proven = openCached(head.tree)
      await proven.proveEdge(signal)
      const other = unjoined.add(head)
      if (other !== undefined) throw await fork(other, head, proven, head.tree.hash, signal)
      return proven
    },
    settle: unjoined.settle,
  }

  async function merge(head: SignedHead, signal: AbortSignal): Promise<BelievedHead> {
    const now = await current(signal)
    if (now !== undefined && head.tree.size <= now.tree.size) {
      await checkBegins(head, now, now.proven, signal)
      return now
    }
    return lock(signal, () => advance(head, signal))
  }

  async function current(signal: AbortSignal): Promise<BelievedHead | undefined> {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    await abortable(loading, signal)
    return believed
  }

  async function load(): Promise<void> {
    kept = await ops.readHead()
    if (kept !== undefined) await believe(openKept(kept))
  }

  /** Merges a head while no other is being merged. */
  async function advance(head: SignedHead, signal: AbortSignal): Promise<BelievedHead> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const now = believed
      if (now !== undefined && head.tree.size <= now.tree.size) {
        await checkBegins(head, now, now.proven, signal)
        return now
      }
      const later = await proveLater(head, signal)
      // A head that outlived its tiles could prove nothing while the database cannot be asked for them.
      await later.persist()
      if ((await ops.writeHead(kept, head.note)) === 'ok') {
        kept = head.note
        return await believe(head, later)
      }
      await mergeKept(signal)
    }
    throw new GomodError(
      'head_conflict',
      `the kept tree head of ${verifier.name} was changed by others ${MAX_TRIES} times while one was to be kept: try again`,
    )
  }

  /** Somebody else keeps heads in the same place: what they keep is part of our history too. */
  async function mergeKept(signal: AbortSignal): Promise<void> {
    kept = await ops.readHead()
    if (kept === undefined) return
    const head = openKept(kept)
    if (believed === undefined || head.tree.size > believed.tree.size)
      await believe(head, await proveLater(head, signal))
    else await checkBegins(head, believed, believed.proven, signal)
  }

  /** Proves that a head larger than the one believed begins with it. */
  async function proveLater(head: SignedHead, signal: AbortSignal): Promise<TreeApart> {
    const later = openTree(head.tree)
    await later.proven.proveEdge(signal)
    if (believed !== undefined) await checkBegins(believed, head, later.proven, signal)
    return later
  }

  async function believe(head: SignedHead, { proven, join } = openTree(head.tree)): Promise<BelievedHead> {
    const now = { ...head, proven }
    believed = now
    await join()
    return now
  }

  /** The tree under a head that may be that of another log: its tiles are kept apart from ours until it joins us. */
  function openTree(tree: Tree): TreeApart {
    let apart: Map<string, { tile: Tile; bytes: TileBytes }> | undefined = new Map()
    const proven = createProvenTree({
      tree,
      height,
      read,
      recall: (tile) => (apart === undefined ? memory.get(tile) : apart.get(tilePath(tile))?.bytes.data),
      async keep(tile, bytes) {
        if (apart === undefined) await keep(tile, bytes)
        else apart.set(tilePath(tile), { tile, bytes })
      },
    })
    // In the cache they do no harm should the head not join us after all: nothing there is believed.
    async function persist(): Promise<void> {
      const tiles = [...(apart?.entries() ?? [])].filter(([, { bytes }]) => !bytes.cached)
      await Promise.all(tiles.map(([path, { bytes }]) => ops.writeCache(`/${path}`, bytes.data, LASTING)))
      for (const [path, { tile, bytes }] of tiles)
        apart?.set(path, { tile, bytes: { ...bytes, cached: true } })
    }
    async function join(): Promise<void> {
      const tiles = [...(apart?.values() ?? [])]
      apart = undefined
      await Promise.all(tiles.map(({ tile, bytes }) => keep(tile, bytes)))
    }
    return { proven, persist, join }
  }

  /** The tree under a head that stays apart, from cached tiles. */
  function openCached(tree: Tree): ProvenTree {
    return createProvenTree({
      tree,
      height,
      async read(tile, { fresh }) {
        const data = fresh ? undefined : await readCachedTile(ops, tile, cutHashTile)
        if (data !== undefined) return { data, cached: true }
        throw new GomodError('tile_not_found', `there is no good ${tilePath(tile)} in the cache`)
      },
      recall: () => undefined,
      keep: () => Promise.resolve(),
    })
  }

  /** Throws `log_fork` unless the log of `newer`, of which `proven` is the tree, begins with that of `older`. */
  async function checkBegins(
    older: SignedHead,
    newer: SignedHead,
    proven: ProvenTree,
    signal: AbortSignal,
  ): Promise<void> {
    const found = await rootAt(older.tree.size, newer, proven, signal)
    if (equalHashes(found, older.tree.hash)) return
    throw await fork(older, newer, proven, found, signal)
  }

  /** Says that two signed heads contradict each other, and gives the error to throw. */
  async function fork(
    older: SignedHead,
    newer: SignedHead,
    proven: ProvenTree,
    found: Hash,
    signal: AbortSignal,
  ): Promise<GomodError> {
    const error = await forkError({ name: verifier.name, older, newer, found, hashes: proven.hashes(signal) })
    ops.onSecurityError(error.message)
    return error
  }

  async function rootAt(size: number, { tree }: SignedHead, proven: ProvenTree, signal: AbortSignal) {
    if (size === 0) return emptyTreeHash()
    if (size === tree.size) return tree.hash
    return await treeHash(size, proven.hashes(signal))
  }

  async function read(tile: Tile, options: ReadTileOptions): Promise<TileBytes> {
    // What is believed is a good guess, and no more, where another log may be meant.
    const data = options.fresh ? undefined : believed?.proven.peek(tile)
    return data === undefined ? readTileBytes(ops, tile, cutHashTile, options) : { data, cached: true }
  }

  async function keep(tile: Tile, { data, cached }: TileBytes): Promise<void> {
    if (isFullTile(tile)) memory.set(tile, data)
    if (!cached) await ops.writeCache(`/${tilePath(tile)}`, data, FLEETING)
  }

  function openHead(note: Uint8Array): SignedHead {
    // Most answers carry the head that is believed already: its signature is not verified again.
    if (believed !== undefined && Buffer.compare(believed.note, note) === 0) return believed
    // A copy, for the note may be a small part of a large answer.
    return { tree: parseTree(openNote(note, [verifier]).text), note: new Uint8Array(note) }
  }

  function openKept(note: Uint8Array): SignedHead {
    try {
      return openHead(note)
    } catch (cause) {
      if (!(cause instanceof GomodError)) throw cause
      const message = `the kept tree head of ${verifier.name} is not valid: ${cause.message}`
      throw new GomodError(cause.code, message, { cause })
    }
  }
}

interface TreeApart {
  readonly proven: ProvenTree
  /** Keeps the tiles proven so far, for good. */
  persist(): Promise<void>
  /** Makes its tiles ours: those proven so far, and those still to come. */
  join(): Promise<void>
}

const LASTING: WriteCacheOptions = { lasting: true }
const FLEETING: WriteCacheOptions = { lasting: false }

/** How often a head is offered again when others keep theirs at the same time. Each time they have got further. */
const MAX_TRIES = 16

function cutHashTile(tile: Tile, full: Uint8Array): Uint8Array {
  if (full.length === fullWidth(tile.height) * HASH_SIZE) return full.subarray(0, tile.width * HASH_SIZE)
  const path = tilePath({ ...tile, width: fullWidth(tile.height) })
  throw new GomodError('unverified_tile', `${path} has ${full.length} bytes`)
}
