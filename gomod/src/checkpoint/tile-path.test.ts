import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { DATA_LEVEL } from '../tlog/tile.ts'
import { parseTlogTilePath, tlogTilePath } from './tile-path.ts'

const invalid = { name: 'GomodError', code: 'invalid_tile' }

test('tiles have the paths of tlog-tiles', () => {
  const table: [path: string, level: number, index: number, width: number][] = [
    ['tile/0/000', 0, 0, 256],
    ['tile/0/x001/x234/067', 0, 1234067, 256],
    ['tile/1/000.p/17', 1, 0, 17],
    ['tile/8/001', 8, 1, 256],
    ['tile/63/000.p/1', 63, 0, 1],
    ['tile/entries/x001/234.p/255', DATA_LEVEL, 1234, 255],
  ]
  for (const [path, level, index, width] of table) {
    assert.deepEqual(parseTlogTilePath(path), { height: 8, level, index, width })
    assert.equal(tlogTilePath({ height: 8, level, index, width }), path)
  }
  assert.throws(() => tlogTilePath({ height: 7, level: 0, index: 0, width: 1 }), invalid)
})

test('other paths are refused, and the message shows what was asked', () => {
  const bad = [
    '',
    'tile',
    'tile/',
    'tile/0',
    'tile/0/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    '/tile/0/000',
  ]
  bad.push('tile/00/000', 'tile/64/000', 'tile/-1/000', 'tile/data/000', 'tile/8/0/000', 'tile/8/data/000')
  bad.push(
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000.p/',
    'tile/0/000.p/1/',
    'tile/0/000\n',
  )
  bad.push(
    'tile/0/x000/000',
    'tile/0/001/000',
    'tile/0/x001/x000',
    'tile/0/000/..',
    'tile/Entries/000',
    'tile/0/٠٠٠',
  )
  for (const path of bad) assert.throws(() => parseTlogTilePath(path), invalid, path)
  assert.throws(() => parseTlogTilePath('tile/9/bad'), /"tile\/9\/bad"/)
})

test('a path that is accepted is written the same', () => {
  const tile = fc.record({
    height: fc.constant(8),
    level: fc.integer({ min: DATA_LEVEL, max: 63 }),
    index: fc.nat({ max: 2 ** 31 - 1 }),
    width: fc.integer({ min: 1, max: 256 }),
  })
  fc.assert(fc.property(tile, (tile) => assert.deepEqual(parseTlogTilePath(tlogTilePath(tile)), { ...tile })))
  fc.assert(
    fc.property(
      fc.stringMatching(/^tile\/([0-9]{1,2}|entries)\/(x?[0-9]{2,3}\/){0,2}[0-9]{3}(\.p\/[0-9]{1,3})?$/),
      (path) => {
        try {
          assert.equal(tlogTilePath(parseTlogTilePath(path)), path)
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'invalid_tile')
        }
      },
    ),
  )
})
