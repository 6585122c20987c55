import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { storedHashCount } from './index.ts'
import { createNaiveLog } from './naive-log.ts'
import {
  edgeTiles,
  hashFromTile,
  isFullTile,
  newTiles,
  parseTilePath,
  readTileData,
  tileForIndex,
  tilePath,
  widestTile,
  type Tile,
} from './tile.ts'

function tile(height: number, level: number, index: number, width: number): Tile {
  return { height, level, index, width }
}

const paths: [path: string, tile: Tile][] = [
  ['tile/4/0/001', tile(4, 0, 1, 16)],
  ['tile/4/0/001.p/5', tile(4, 0, 1, 5)],
  ['tile/3/5/x123/x456/078', tile(3, 5, 123456078, 8)],
  ['tile/3/5/x123/x456/078.p/2', tile(3, 5, 123456078, 2)],
  ['tile/1/0/x003/x057/500', tile(1, 0, 3057500, 2)],
  ['tile/1/data/x003/x057/500', tile(1, -1, 3057500, 2)],
  ['tile/3/4/x001/x234/067.p/1', tile(3, 4, 1234067, 1)],
  ['tile/8/0/000.p/255', tile(8, 0, 0, 255)],
  ['tile/8/data/000.p/255', tile(8, -1, 0, 255)],
  ['tile/30/63/000.p/1073741823', tile(30, 63, 0, 2 ** 30 - 1)],
  ['tile/8/0/x009/x007/x199/x254/x740/991', tile(8, 0, Number.MAX_SAFE_INTEGER, 256)],
]

test('tile paths', () => {
  for (const [path, tile] of paths) {
    assert.equal(tilePath(tile), path)
    assert.deepEqual(parseTilePath(path), tile)
  }
})

test('what is no tile path is refused', () => {
  const bad = [
    '',
    'tile',
    'tile/8/0',
    '/tile/8/0/000',
    'tile/8/0/000/',
    'tile/3/5/123/456/078',
    'tile/3/-1/123/456/078',
    'tile/8/-1/000',
    'tile/0/0/000',
    'tile/31/0/000',
    'tile/08/0/000',
    'tile/8/00/000',
    'tile/8/64/000',
    'tile/8/0/0',
    'tile/8/0/00',
    'tile/8/0/0000',
    'tile/8/0/x000/001',
    'tile/8/0/x001',
    'tile/8/0/x001/x002',
    'tile/8/0/+01',
    'tile/8/0/-01',
    'tile/8/0/000.p',
    'tile/8/0/000.p/',
    'tile/8/0/000.p/0',
    'tile/8/0/000.p/01',
    'tile/8/0/000.p/256',
    'tile/8/0/000.p/257',
    'tile/8/0/000.p/1/2',
    'tile/8/0/000.p/1e1',
    'tile/8/0/000\n',
    'tile/8/0/٠٠٠',
    'tile/8/data/data',
    'tile/8/0/x009/x007/x199/x254/x740/992',
    `tile/8/0/${'x999/'.repeat(50)}999`,
  ]
  for (const path of bad)
    assert.throws(() => parseTilePath(path), { name: 'GomodError', code: 'invalid_tile' }, path)
})

test('every path that is accepted is the one its tile has', () => {
  const element = fc.constantFrom(
    'tile',
    '8',
    '3',
    '0',
    'data',
    '000',
    'x001',
    '001.p',
    '7',
    '255',
    'x',
    '.p',
    '',
  )
  fc.assert(
    fc.property(fc.array(element, { maxLength: 7 }), (elements) => {
      const path = elements.join('/')
      try {
        assert.equal(tilePath(parseTilePath(path)), path)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid_tile')
      }
    }),
  )
  const any = fc.record({
    height: fc.integer({ min: 1, max: 30 }),
    level: fc.integer({ min: -1, max: 63 }),
    index: fc.maxSafeNat(),
    width: fc.nat(),
  })
  fc.assert(
    fc.property(any, (any) => {
      const tile = { ...any, width: 1 + (any.width % 2 ** any.height) }
      assert.deepEqual(parseTilePath(tilePath(tile)), tile)
    }),
  )
})

test('every stored hash is read back from its tile, and tiles only grow', async () => {
  for (const height of [1, 2, 3]) {
    const log = createNaiveLog()
    const published = new Map<string, Uint8Array>()
    for (let size = 1; size <= 80; size++) {
      log.add(Buffer.from(`leaf ${size}`))
      for (const tile of newTiles(height, size - 1, size)) {
        const data = await readTileData(tile, log.hashes)
        const before = published.get(`${tile.level}/${tile.index}`) ?? Buffer.alloc(0)
        assert.equal(data.length, tile.width * 32)
        assert.deepEqual(Buffer.from(data.subarray(0, before.length)), Buffer.from(before))
        published.set(`${tile.level}/${tile.index}`, data)
      }
      for (let index = storedHashCount(size - 1); index < storedHashCount(size); index++) {
        const least = tileForIndex(height, index)
        const widest = widestTile(height, least.level, least.index, size)!
        const data = published.get(`${least.level}/${least.index}`)!
        const [hash] = await log.hashes([index])
        assert.deepEqual(hashFromTile(least, data, index), hash)
        assert.deepEqual(hashFromTile(widest, data, index), hash)
      }
    }
  }
})

test('newTiles lists what changed, once', () => {
  const counts: [old: number, size: number, tiles: number][] = [
    [1, 1, 0],
    [100, 101, 1],
    [1023, 1025, 3],
    [1024, 1030, 1],
    [1030, 2000, 1],
    [1030, 10000, 10],
    [49516517, 49516586, 3],
    [0, 0, 0],
  ]
  for (const [old, size, tiles] of counts)
    assert.equal(newTiles(10, old, size).length, tiles, `${old} to ${size}`)
  assert.deepEqual(newTiles(8, 255, 256), [tile(8, 0, 0, 256), tile(8, 1, 0, 1)])
  assert.deepEqual(newTiles(8, 2 ** 40 - 1, 2 ** 40).at(-1), tile(8, 5, 0, 1))
  fc.assert(
    fc.property(
      fc.nat({ max: 5000 }),
      fc.nat({ max: 700 }),
      fc.integer({ min: 1, max: 9 }),
      (old, more, height) => {
        const listed = newTiles(height, old, old + more).map(tilePath)
        const before = new Set(newTiles(height, 0, old).map(tilePath))
        const after = newTiles(height, 0, old + more).map(tilePath)
        assert.deepEqual(
          listed,
          after.filter((path) => !before.has(path)),
        )
      },
    ),
  )
})

test('the edge holds exactly the tiles that are not full', () => {
  fc.assert(
    fc.property(fc.nat({ max: 3000 }), fc.integer({ min: 1, max: 9 }), (size, height) => {
      const partial = newTiles(height, 0, size).filter((tile) => !isFullTile(tile))
      assert.deepEqual(edgeTiles(height, size), partial.reverse())
    }),
  )
  assert.deepEqual(edgeTiles(8, 0), [])
  assert.deepEqual(edgeTiles(8, 2 ** 32), [tile(8, 4, 0, 1)])
  assert.deepEqual(edgeTiles(8, 2 ** 52 - 1).length, 7)
})

test('the widest tile a log has', () => {
  assert.deepEqual(widestTile(8, 0, 1, 300), tile(8, 0, 1, 44))
  assert.deepEqual(widestTile(8, 0, 0, 300), tile(8, 0, 0, 256))
  assert.deepEqual(widestTile(8, -1, 1, 300), tile(8, -1, 1, 44))
  assert.deepEqual(widestTile(8, 1, 0, 300), tile(8, 1, 0, 1))
  assert.equal(widestTile(8, 2, 0, 300), undefined)
  assert.equal(widestTile(8, 0, 2, 300), undefined)
  assert.equal(widestTile(8, 0, 0, 0), undefined)
  assert.equal(widestTile(30, 63, Number.MAX_SAFE_INTEGER, 2 ** 52), undefined)
})

test('a hash is not read from a tile that cannot have it', () => {
  const data = Buffer.alloc(4 * 32)
  const cases: [tile: Tile, data: Uint8Array, index: number][] = [
    [tile(2, 0, 0, 4), data, 7],
    [tile(2, 1, 0, 4), data, 0],
    [tile(2, 0, 0, 1), data, 1],
    [tile(2, 0, 0, 4), data.subarray(1), 0],
    [tile(2, -1, 0, 4), data, 0],
    [tile(2, 0, 0, 5), Buffer.alloc(5 * 32), 0],
    [tile(0, 0, 0, 1), data, 0],
    [tile(3, 0, 0, 4), data, 14],
  ]
  for (const [tile, data, index] of cases)
    assert.throws(
      () => hashFromTile(tile, data, index),
      { code: 'invalid_tile' },
      `${index} of ${tilePath(tile)}`,
    )
})
