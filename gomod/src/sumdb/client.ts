/**
 * A client of a checksum database that believes nothing it is told: every record and tile it gives is proven to be in
 * the log under a head that the database has signed, and every head it is shown must belong to one growing log.
 * It is protocol without I/O: everything it reads and keeps goes through SumdbOps, so that it runs in servers, tools
 * and tests alike. The rules are those of golang.org/x/mod/sumdb and of the design document "Secure the Public Go
 * Module Ecosystem".
 */
import { GomodError } from '../error.ts'
import { parseVerifierKey } from '../note.ts'
import { equalHashes, HASH_SIZE, recordHash } from '../tlog/hash.ts'
import { storedHashIndex } from '../tlog/index.ts'
import { DATA_LEVEL, tilePath, widestTile, type Tile } from '../tlog/tile.ts'
import { authenticateDataTile, cutDataTile } from './data-tile.ts'
import type { SignedHead } from './fork.ts'
import { lookupPath, parseLookup, sumLines, type SumLines } from './lookup.ts'
import type { SumdbOps } from './ops.ts'
import type { ProvenTree } from './proven-tree.ts'
import { readTileBytes } from './tile-source.ts'
import { createTimeline, type BelievedHead } from './timeline.ts'
import { createFlights } from './waiting.ts'

export type { SignedHead, SumdbOps }

export interface SumdbClientOptions {
  readonly ops: SumdbOps
  /** The key that must have signed every head: `name+hash+base64`. */
  readonly verifierKey: string
  /** Height of the database's tiles, 8 by default as all public databases have it. */
  readonly tileHeight?: number
  /** Full tiles remembered at most: 1024 by default, of 8 KiB each at height 8. */
  readonly rememberedTiles?: number
}

/** A proven record. */
export interface LookupResult extends SumLines {
  /** The record's number in the log, from 0. */
  readonly id: number
  /** The record's text, all of it. */
  readonly record: Uint8Array
  /** The answer as the database gave it, verified: good to be given to others. */
  readonly response: Uint8Array
}

/**
 * All methods may be called at any time, in any number. They reject with the signal's reason when it is aborted, with
 * whatever the ops reject with, and besides with GomodError:
 * `invalid_note`, `unverified_note` (no head signed by the key), `unverified_tile`, `invalid_record`,
 * `unverified_record` (what is served is not what is in the log), `log_fork`, `head_conflict`.
 */
export interface SumdbClient {
  /** Name of the database, as its key has it. */
  readonly name: string
  /**
   * The lines for go.sum of a module version. Rejects besides with `invalid_path`, `invalid_version` and
   * `invalid_lookup` for what cannot be looked up.
   */
  lookup(path: string, version: string, signal: AbortSignal): Promise<LookupResult>
  /** The newest verified head at hand; the database is not asked. */
  latest(signal: AbortSignal): Promise<SignedHead | undefined>
  /** Asks the database for its latest head; gives the newest verified head then, which may be newer than that one. */
  head(signal: AbortSignal): Promise<SignedHead>
  /**
   * The bytes of a hash tile or data tile, of any width up to what the log has. Where the verified head does not
   * reach, the database is asked for its latest, each time: do not pass on what strangers make up without a limit.
   * The bytes are shared: do not write to them. Rejects besides with `tile_not_found`.
   */
  readTile(tile: Tile, signal: AbortSignal): Promise<Uint8Array>
}

/** Throws GomodError `invalid_key` for a verifier key that is none. */
export function createSumdbClient({
  ops,
  verifierKey,
  tileHeight = 8,
  rememberedTiles = 1024,
}: SumdbClientOptions): SumdbClient {
  const verifier = parseVerifierKey(verifierKey)
  const timeline = createTimeline({ ops, verifier, height: tileHeight, tiles: rememberedTiles })
  const shareLookup = createFlights<LookupResult>()
  const shareHead = createFlights<BelievedHead>()
  const shareDataTile = createFlights<Uint8Array>()

  return {
    name: verifier.name,

    async lookup(path, version, signal) {
      const remotePath = lookupPath(path, version)
      return shareLookup(remotePath, signal, (signal) => lookUp(path, version, remotePath, signal))
    },

    async latest(signal) {
      const head = await timeline.current(signal)
      return head && { tree: head.tree, note: head.note }
    },

    async head(signal) {
      const { tree, note } = await refresh(signal)
      return { tree, note }
    },

    async readTile(tile, signal) {
      const head = await headWithTile(tile, signal)
      if (tile.level === DATA_LEVEL)
        return shareDataTile(tilePath(tile), signal, (signal) => readDataTile(tile, head, signal))
      const bytes = await head.proven.tile(tile.level, tile.index, signal)
      return bytes.subarray(0, tile.width * HASH_SIZE)
    },
  }

  async function lookUp(path: string, version: string, remotePath: string, signal: AbortSignal) {
    const merged: ProveHead = async (head, signal) => (await timeline.merge(head, signal)).proven
    const cached = await ops.readCache(remotePath)
    if (cached !== undefined) {
      try {
        return await verify(cached, path, version, merged, signal)
      } catch (error) {
        if (!signal.aborted && ops.isAway?.(error) === true)
          return await verifyAlone(cached, path, version, error, signal)
        // A cache may hold anything; but two signed heads that disagree are proof, wherever they come from.
        if (!(error instanceof GomodError) || error.code === 'log_fork') throw error
      }
    }
    const response = await ops.readRemote(remotePath, signal)
    const result = await verify(response, path, version, merged, signal)
    await ops.writeCache(remotePath, response, { lasting: false })
    await timeline.settle(signal)
    return result
  }

  /** By the head it came with and cached tiles. Where they do not do, `away` is what the caller hears. */
  async function verifyAlone(
    cached: Uint8Array,
    path: string,
    version: string,
    away: unknown,
    signal: AbortSignal,
  ): Promise<LookupResult> {
    try {
      return await verify(cached, path, version, timeline.proveAlone, signal)
    } catch (error) {
      if (!(error instanceof GomodError) || error.code === 'log_fork') throw error
      throw away
    }
  }

  async function verify(
    response: Uint8Array,
    path: string,
    version: string,
    prove: ProveHead,
    signal: AbortSignal,
  ): Promise<LookupResult> {
    const { id, record, note } = parseLookup(response)
    const signed = timeline.open(note)
    // Others may have seen no larger head than this one when they are given the response.
    if (id >= signed.tree.size)
      throw new GomodError(
        'unverified_record',
        `the record given for ${path}@${version} has the number ${id} in a log of ${signed.tree.size} records`,
      )
    const proven = await prove(signed, signal)
    const [hash] = await proven.hashes(signal)([storedHashIndex(0, id)])
    if (!equalHashes(hash!, recordHash(record)))
      throw new GomodError(
        'unverified_record',
        `the record given for ${path}@${version} is not record ${id} of the log of ${verifier.name}`,
      )
    return { id, ...sumLines(record, path, version), record, response }
  }

  function refresh(signal: AbortSignal): Promise<BelievedHead> {
    return shareHead('/latest', signal, async (signal) => {
      const head = await timeline.merge(timeline.open(await ops.readRemote('/latest', signal)), signal)
      await timeline.settle(signal)
      return head
    })
  }

  /** The verified head where it has the tile, else the latest. */
  async function headWithTile(tile: Tile, signal: AbortSignal): Promise<BelievedHead> {
    if (tile.height !== tileHeight)
      throw new GomodError(
        'tile_not_found',
        `${verifier.name} has tiles of height ${tileHeight}: ${tilePath(tile)}`,
      )
    const known = await timeline.current(signal)
    if (known !== undefined && hasTile(known, tile)) return known
    const latest = await refresh(signal)
    if (hasTile(latest, tile)) return latest
    throw new GomodError(
      'tile_not_found',
      `the log of ${verifier.name} with ${latest.tree.size} records does not have ${tilePath(tile)}`,
    )
  }

  async function readDataTile(
    tile: Tile,
    { proven }: BelievedHead,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const [hashes, first] = await Promise.all([
      proven.tile(0, tile.index, signal),
      readTileBytes(ops, tile, cutDataTile, { signal, fresh: false }),
    ])
    let bytes = first
    try {
      authenticateDataTile(tile, bytes.data, hashes)
    } catch (error) {
      if (!bytes.cached) throw error
      bytes = await readTileBytes(ops, tile, cutDataTile, { signal, fresh: true })
      authenticateDataTile(tile, bytes.data, hashes)
    }
    if (!bytes.cached) await ops.writeCache(`/${tilePath(tile)}`, bytes.data, { lasting: false })
    return bytes.data
  }
}

/** The tree under a signed head, in which a record is to be found. */
type ProveHead = (head: SignedHead, signal: AbortSignal) => Promise<ProvenTree>

function hasTile({ tree }: SignedHead, tile: Tile): boolean {
  const widest = widestTile(tile.height, tile.level, tile.index, tree.size)
  return widest !== undefined && tile.width <= widest.width
}
