import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedHashCount } from './index.ts'
import { createNaiveLog, type NaiveLog } from './naive-log.ts'
import { proveRecord, proveTree } from './proof.ts'
import { readTileData, tileForIndex, tilePath, type Tile } from './tile.ts'
import { tileHashReader, type TileReader } from './tile-reader.ts'
import { treeHash } from './tree.ts'

interface Served extends TileReader {
  read: string[]
  saved: string[]
}

/** Serves the tiles of `log`, each as `tamper` leaves it. */
function serve(log: NaiveLog, height: number, tamper = (_: Tile, data: Uint8Array) => data): Served {
  const read: string[] = []
  const saved: string[] = []
  return {
    height,
    read,
    saved,
    async readTiles(tiles) {
      read.push(...tiles.map(tilePath))
      return Promise.all(
        tiles.map(async (tile) => tamper(tile, Buffer.from(await readTileData(tile, log.hashes)))),
      )
    },
    saveTiles: (tiles) => void saved.push(...tiles.map(tilePath)),
  }
}

test('all hashes of a log are read from its tiles, one at a time or together', async () => {
  for (const size of [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 100]) {
    const log = createNaiveLog(size)
    const served = serve(log, 2)
    const reader = tileHashReader(log.tree(), served)
    const all = Array.from({ length: storedHashCount(size) }, (_, i) => i)
    assert.deepEqual(await reader(all), await log.hashes(all))
    for (const index of all) assert.deepEqual(await reader([index]), await log.hashes([index]))
    assert.deepEqual(await treeHash(size, reader), log.tree().hash)
    for (const old of [1, size])
      assert.deepEqual(await proveTree(size, old, reader), await proveTree(size, old, log.hashes))
    assert.deepEqual(await proveRecord(size, 0, reader), await proveRecord(size, 0, log.hashes))
    assert.deepEqual(served.saved, served.read, 'tiles may be kept once they are authenticated')
    await assert.rejects(async () => reader([storedHashCount(size)]), { code: 'tile_not_found' })
    await assert.rejects(async () => reader([-1]), { code: 'tile_not_found' })
  }
})

test('no tile is asked for twice', async () => {
  const log = createNaiveLog(100)
  const served = serve(log, 2)
  await tileHashReader(log.tree(), served)(Array.from({ length: storedHashCount(100) }, (_, i) => i))
  assert.equal(new Set(served.read).size, served.read.length)
})

test('tiles hold what the signed tree holds, or nothing is given and nothing kept', async () => {
  // Every hash of every tile, with the tile asked for alone and among all others.
  for (const size of [1, 4, 5, 15, 21, 64, 85]) {
    const log = createNaiveLog(size)
    const all = Array.from({ length: storedHashCount(size) }, (_, i) => i)
    for (const index of all) {
      const bad = tileForIndex(2, index)
      const served = serve(log, 2, (tile, data) => {
        if (tile.level === bad.level && tile.index === bad.index) data.fill(0, 0, bad.width * 32)
        return data
      })
      const reader = tileHashReader(log.tree(), served)
      await assert.rejects(async () => reader([index]), { code: 'unverified_tile' })
      await assert.rejects(async () => reader(all), { code: 'unverified_tile' })
      assert.deepEqual(served.saved, [])
    }
  }
})

test('trap: where several stored hashes that prove the head share a tile, the tiles after them are authenticated too', async () => {
  // Size 7 has three such hashes in two tiles (widths 3 and 1). A reader that skips as many tiles as there are hashes
  // takes the next tile, the one that was asked for, for authenticated.
  const log = createNaiveLog(7)
  const forged = serve(log, 2, (tile, data) => (tilePath(tile) === 'tile/2/0/000' ? data.fill(0xff) : data))
  await assert.rejects(async () => tileHashReader(log.tree(), forged)([0]), { code: 'unverified_tile' })
})

test('tiles that are narrower or wider than asked for are refused', async () => {
  const log = createNaiveLog(21)
  for (const resize of [
    (data: Uint8Array) => data.subarray(32),
    (data: Uint8Array) => data.subarray(0, -1),
    (data: Uint8Array) => Buffer.concat([data, data.subarray(0, 32)]),
    (data: Uint8Array) => data.subarray(0, 0),
  ]) {
    for (const path of ['tile/2/0/005.p/1', 'tile/2/0/000', 'tile/2/1/000']) {
      const served = serve(log, 2, (tile, data) => (tilePath(tile) === path ? resize(data) : data))
      await assert.rejects(async () => tileHashReader(log.tree(), served)([0]), { code: 'unverified_tile' })
    }
  }
})

test('the tiles of another log are refused', async () => {
  const reader = tileHashReader(createNaiveLog(21).tree(), serve(createNaiveLog(22), 2))
  await reader([0])
  const other = createNaiveLog(20)
  other.add(Buffer.from('another record'))
  await assert.rejects(async () => tileHashReader(other.tree(), serve(createNaiveLog(21), 2))([0]), {
    code: 'unverified_tile',
  })
})

test('what the tile reader throws passes through, and a reader that loses tiles is a defect', async () => {
  const log = createNaiveLog(5)
  const failure = new Error('connection refused')
  const failing: TileReader = { height: 2, readTiles: () => Promise.reject(failure) }
  await assert.rejects(async () => tileHashReader(log.tree(), failing)([0]), failure)
  const losing: TileReader = { height: 2, readTiles: () => Promise.resolve([]) }
  await assert.rejects(async () => tileHashReader(log.tree(), losing)([0]), RangeError)
})
