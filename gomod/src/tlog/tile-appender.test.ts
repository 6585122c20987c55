import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyTreeHash, recordHash } from './hash.ts'
import { createTileEdge, ownTileReader } from './tile-appender.ts'
import { edgeTiles, newTiles, readTileData, tilePath } from './tile.ts'
import { createAppender, treeHash, type HashReader } from './tree.ts'

const HEIGHT = 2
const hashes = Array.from({ length: 600 }, (_, i) => recordHash(Buffer.from(`record ${i}\n`)))
const stored = createAppender()
const all = hashes.flatMap((hash) => stored.append(hash))
const reader: HashReader = (indexes) => indexes.map((index) => all[index]!)

test('a log grown in any steps has the tiles and the root that RFC 6962 gives it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 70 }), { maxLength: 8 }), async (steps) => {
      let edge = createTileEdge(HEIGHT, { size: 0, hash: emptyTreeHash() }, [])
      const kept = new Map<string, Uint8Array>()
      for (const step of steps) {
        const from = edge.tree.size
        const grown = edge.grow(hashes.slice(from, from + step))
        edge = grown.edge
        assert.deepEqual(
          grown.tiles.map(({ tile }) => tile).toSorted((a, b) => a.level - b.level || a.index - b.index),
          newTiles(HEIGHT, from, edge.tree.size),
        )
        for (const { tile, data } of grown.tiles) kept.set(tilePath(tile), data)
        assert.deepEqual(edge.tree.hash, await treeHash(edge.tree.size, reader))
      }
      for (const tile of newTiles(HEIGHT, 0, edge.tree.size))
        assert.deepEqual(
          Buffer.from(kept.get(tilePath(tile))!),
          Buffer.from(await readTileData(tile, reader)),
        )
      const edges = await Promise.all(
        edgeTiles(HEIGHT, edge.tree.size).map((tile) => readTileData(tile, reader)),
      )
      const again = createTileEdge(HEIGHT, edge.tree, edges)
      const [next, nextAgain] = [edge, again].map((edge) => edge.grow(hashes.slice(0, 9)))
      assert.deepEqual(nextAgain!.tiles, next!.tiles)
      assert.deepEqual(nextAgain!.edge.tree, next!.edge.tree)
    }),
    { numRuns: 60 },
  )
})

test('an edge whose tiles are not those of its tree is refused', async () => {
  const tree = { size: 37, hash: await treeHash(37, reader) }
  const data = await Promise.all(edgeTiles(HEIGHT, 37).map((tile) => readTileData(tile, reader)))
  const changed = data.map((bytes) => Uint8Array.from(bytes))
  changed[0]![5]! ^= 1
  assert.throws(() => createTileEdge(HEIGHT, tree, changed), { code: 'unverified_tile' })
  assert.throws(() => createTileEdge(HEIGHT, { ...tree, size: 36 }, data), { code: 'unverified_tile' })
})

test('hashes are read from tiles of one’s own', async () => {
  const own = ownTileReader(HEIGHT, (tile) => readTileData(tile, reader))
  assert.deepEqual(await own([0, 2, 9, 77, 400]), await reader([0, 2, 9, 77, 400]))
})
