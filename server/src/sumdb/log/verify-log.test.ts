import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKey, parseVerifierKey } from '@modstead/gomod/note'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import { createStoredLog, LOG_VERIFIERS, logEntry, type StoredLog } from './stored-log.fixture.ts'
import { verifyLog, type VerifyLogOptions } from './verify-log.ts'

/** 257 full tiles would take long: two levels are there from 256 records on. */
const SIZE = 700

async function findings(log: StoredLog, options: Partial<VerifyLogOptions> = {}): Promise<string[]> {
  const storage = await log.open()
  const mark = openHighWaterFile(log.highWater)
  const found: string[] = []
  for await (const { name, problem } of verifyLog({
    name: 'sum.corp.example',
    storage,
    mark,
    verifiers: LOG_VERIFIERS,
    ...options,
  }))
    found.push(`${name} – ${problem}`)
  return found
}

describe('verifying a log', () => {
  it('finds nothing in logs that are as they should be', async (t) => {
    for (const size of [0, 1, 255, 256, 257, SIZE]) {
      const log = await createStoredLog(t, { size })
      const seen: number[] = []
      assert.deepEqual(await findings(log, { progress: (done) => seen.push(done) }), [], `${size} records`)
      assert.equal(seen.at(-1) ?? 0, size)
    }
  })

  const flip = (column: string, at: number) =>
    `cast(substr(${column}, 1, ${at}) || x'ff' || substr(${column}, ${at + 2}) as blob)`
  const other = Buffer.from(logEntry(5, 'changed').record).toString('hex')
  const TAMPERINGS: [what: string, sql: string, wanted: RegExp[]][] = [
    [
      'a record of a full tile',
      `update records set record = x'${other}' where id = 5`,
      [/^record 5 – it was changed/],
    ],
    [
      'a record under the right edge',
      `update records set record = x'${Buffer.from(logEntry(600, 'changed').record).toString('hex')}' where id = 600`,
      [/^record 600 – it was changed/],
    ],
    [
      'a full tile',
      `update tiles set data = ${flip('data', 70)} where level = 0 and number = 1`,
      [/^tile\/8\/0\/001 – it was changed/],
    ],
    [
      'a tile of the right edge',
      `update tiles set data = ${flip('data', 70)} where level = 0 and number = 2`,
      [/^tile\/8\/0\/002\.p\/188 – it was changed/],
    ],
    [
      'a tile of a higher level',
      `update tiles set data = ${flip('data', 3)} where level = 1`,
      [/^tile\/8\/1\/000\.p\/2 – it was changed/],
    ],
    [
      'a tile that is gone',
      'delete from tiles where level = 0 and number = 0',
      [/^tile\/8\/0\/000 – it is missing/],
    ],
    ['a record that is gone', 'delete from records where id = 300', [/^record 300 – it is missing/]],
    [
      'records that are gone',
      'delete from records where id >= 256 and id < 512',
      [/^record 256 – it and all after/],
    ],
    [
      'the root of the head',
      `update head set root = ${flip('root', 3)}`,
      [/^the newest head – it was changed/],
    ],
    ['the size of the head', 'update head set size = 699', [/^the newest head – it was changed/]],
    ['the signature', `update head set note = ${flip('note', 150)}`, [/^the newest head – its signature/]],
    ['a time', 'update records set at = 5 where id = 9', [/^record 9 – its time is before/]],
    ['a time that is none', 'update records set at = 1e18 where id = 9', [/^record 9 – its time cannot/]],
    [
      'a text in place of a record',
      "update records set record = 'gone', at = 'soon' where id = 699",
      [/^record 699 – its time is before/, /^record 699 – it cannot be one/, /^record 699 – it was changed/],
    ],
    ['a size that is none', 'update head set size = 1e300', [/^the newest head – it was changed/]],
    [
      'an index row',
      'update keys set data = zeroblob(2048) where number = 0',
      Array.from(
        { length: 256 },
        (_, n) => new RegExp(`^record ${n}: corp.example/m${n}@v1.0.0 – its version is not found`),
      ),
    ],
    [
      'a record behind the head',
      `insert into records values (700, 1, x'${other}')`,
      [/^record 700 – no head covers it/],
    ],
  ]
  for (const [what, sql, wanted] of TAMPERINGS)
    it(`finds ${what}, and nothing besides`, async (t) => {
      const log = await createStoredLog(t, { size: SIZE })
      log.change(sql)
      const found = await findings(log)
      assert.equal(found.length, wanted.length, found.join('\n'))
      for (const [i, pattern] of wanted.entries()) assert.match(found[i]!, pattern)
    })

  it('finds two changes that hide each other', async (t) => {
    const log = await createStoredLog(t, { size: SIZE })
    log.change(`update records set record = x'${other}' where id = 5`)
    log.change(`update tiles set data = ${flip('data', 70)} where level = 0 and number = 0`)
    assert.match(
      (await findings(log)).join('\n'),
      /tile\/8\/0\/000 – neither .*\n.*record 5 – it does not fit/s,
    )
  })

  it('finds what the mark knows and the log has lost', async (t) => {
    const log = await createStoredLog(t, { size: 3 })
    const longer = await createStoredLog(t, { size: 4 })
    const mark = openHighWaterFile(longer.highWater)
    assert.match((await findings(log, { mark })).join(), /high-water – .*over 4 was signed before/)
  })

  it('finds a version with two records, wherever its second one stands', async (t) => {
    const log = await createStoredLog(t, { size: 2 })
    // Signed by the key all the same: whoever wrote it had the key.
    await log.grow([{ ...logEntry(1, 'again'), module: 'corp.example/other' }])
    const found = await findings(log)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(
      found[0]!,
      /^record [12]: corp.example\/m1@v1.0.0 – its version (has another record|is not found)/,
    )
  })

  it('does not take the signature of another key', async (t) => {
    const log = await createStoredLog(t, { size: 3 })
    const verifiers = [parseVerifierKey(generateKey('sum.corp.example').vkey)]
    assert.match((await findings(log, { verifiers })).join('\n'), /the newest head – its signature/)
  })
})
