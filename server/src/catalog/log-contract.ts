/** What every storage of the checksum log promises. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { emptyTreeHash, recordHash } from '@modstead/gomod/tlog/hash'
import { createTileEdge } from '@modstead/gomod/tlog/tile-appender'
import { type LogBatch, type LogStorage, TILE_HEIGHT } from '../sumdb/log/storage.ts'

export interface StorageUnderTest {
  storage: LogStorage
  /** Closes it, and opens what it has stored. */
  reopen(): Promise<LogStorage>
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString()

/** Makes the batches of a growing log of made-up modules. */
export function createBatches(): (count: number) => LogBatch {
  let edge = createTileEdge(TILE_HEIGHT, { size: 0, hash: emptyTreeHash() }, [])
  return (count) => {
    const { size, hash: root } = edge.tree
    const entries = Array.from({ length: count }, (_, i) => {
      const module = `example.com/m${size + i}`
      return { module, version: 'v1.0.0', record: Buffer.from(`${module} v1.0.0 h1:${size + i}=\n`) }
    })
    const grown = edge.grow(entries.map(({ record }) => recordHash(record)))
    edge = grown.edge
    const { tree } = edge
    return {
      size,
      root,
      at: 1_000 + size,
      entries,
      tiles: grown.tiles.map(({ tile: { level, index }, data }) => ({ level, index, data })),
      head: { size: tree.size, root: tree.hash, note: Buffer.from(`note ${tree.size}`) },
    }
  }
}

export function testLogStorage(name: string, create: (t: TestContext) => Promise<StorageUnderTest>): void {
  describe(`log storage: ${name}`, () => {
    it('is empty at first', async (t) => {
      const { storage } = await create(t)
      assert.equal(await storage.head(), undefined)
      assert.equal(await storage.find('example.com/m0', 'v1.0.0'), undefined)
      assert.deepEqual(await storage.records(0, 10), [])
      assert.equal(await storage.tile(0, 0), undefined)
    })

    it('keeps what batches of all sizes add, also when it is opened again', async (t) => {
      const { storage, reopen } = await create(t)
      const next = createBatches()
      const tiles = new Map<string, Uint8Array>()
      let root = Buffer.alloc(0)
      for (const count of [1, 3, 252, 256, 255, 1, 700, 44]) {
        const batch = next(count)
        await storage.append(batch)
        for (const { level, index, data } of batch.tiles) tiles.set(`${level}/${index}`, data)
        root = Buffer.from(batch.head.root)
      }
      const size = 1 + 3 + 252 + 256 + 255 + 1 + 700 + 44
      const check = async (now: LogStorage): Promise<void> => {
        const found = await now.head()
        assert.equal(found?.size, size)
        assert.deepEqual(Buffer.from(found.root), root)
        assert.equal(text(found.note), `note ${size}`)
        for (const id of [0, 1, 255, 256, 511, 512, 1000, size - 1])
          assert.equal(await now.find(`example.com/m${id}`, 'v1.0.0'), id)
        assert.equal(await now.find('example.com/m7', 'v1.0.1'), undefined)
        assert.equal(await now.find(`example.com/m${size}`, 'v1.0.0'), undefined)
        const records = await now.records(size - 2, 10)
        assert.deepEqual(
          records.map(({ record }) => text(record)),
          [size - 2, size - 1].map((id) => `example.com/m${id} v1.0.0 h1:${id}=\n`),
        )
        assert.deepEqual(
          records.map(({ at }) => at),
          [1_000 + size - 44, 1_000 + size - 44],
        )
        for (const [key, data] of tiles) {
          const [level, index] = key.split('/').map(Number)
          assert.deepEqual(Buffer.from((await now.tile(level!, index!))!), Buffer.from(data), key)
        }
      }
      await check(storage)
      await check(await reopen())
    })

    it('takes a batch only on the size that it says, and all of it or nothing', async (t) => {
      const { storage } = await create(t)
      const next = createBatches()
      const first = next(5)
      const second = next(5)
      await assert.rejects(storage.append(second), { code: 'log_refused', message: /0 records .* 5/ })
      assert.equal(await storage.head(), undefined)
      await storage.append(first)
      await assert.rejects(storage.append(first), { code: 'log_refused', message: /5 records .* 0/ })
      await storage.append(second)
      assert.equal((await storage.head())?.size, 10)
      assert.equal((await storage.records(0, 100)).length, 10)
    })

    it('replaces the note of its newest head, and of no other', async (t) => {
      const { storage, reopen } = await create(t)
      await storage.append(createBatches()(5))
      await assert.rejects(storage.sign(4, Buffer.from('x')), { code: 'log_refused' })
      await storage.sign(5, Buffer.from('signed anew'))
      assert.equal(text((await storage.head())?.note), 'signed anew')
      assert.equal(text((await (await reopen()).head())?.note), 'signed anew')
    })
  })
}
