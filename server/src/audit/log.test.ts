import assert from 'node:assert/strict'
import { rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { generateKey, parseVerifierKey } from '@modstead/gomod/note'
import { auditEventSchema } from './event.ts'
import { openKeys } from './key.ts'
import { eventIn } from './line.ts'
import { blocksOf, fill, someEvent, testLog } from './audit.fixture.ts'
import { verifyAudit } from './verify.ts'

const SMALL = { size: 6_000, age: 86_400_000 }

test('what was written is verified, over segments, stops and starts', async (t) => {
  const log = await testLog(t)
  for (let i = 0; i < 3; i++) await fill(await log.open(SMALL), 25)
  const texts = await log.texts()
  assert.ok(texts.size >= 5, `${texts.size} files`)
  assert.deepEqual(await log.verify(), [])
  const events = [...texts.values()]
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{"schema"'))
  assert.deepEqual(
    events.map((line) => auditEventSchema.parse(eventIn(line)).seq),
    Array.from({ length: 75 }, (_, i) => i + 1),
  )
})

test('many events are under several hashes', async (t) => {
  const log = await testLog(t)
  await fill(await log.open(), 1_000, 500)
  assert.deepEqual(await log.verify(), [])
  const text = (await log.texts()).get('segment-000000001.jsonl') ?? ''
  assert.ok(text.split('{"chain"').length > 8)
})

test('any one change is found: a byte, a line less, a line twice, two lines or segments swapped', async (t) => {
  const log = await testLog(t)
  await fill(await log.open(SMALL), 45)
  const good = await log.texts()
  assert.deepEqual(await log.verify(), [])
  const names = [...good.keys()]
  const change = fc.record({
    name: fc.constantFrom(...names),
    kind: fc.constantFrom('byte', 'drop', 'twice', 'swap', 'cut', 'insert'),
    at: fc.nat(),
    by: fc.integer({ min: 1, max: 127 }),
  })
  await fc.assert(
    fc.asyncProperty(change, async ({ name, kind, at, by }) => {
      const text = good.get(name)!
      const changed = changedText(text, kind, at, by)
      if (changed === text) return
      await log.write(name, changed)
      try {
        assert.notDeepEqual(await log.verify(), [], `${name} ${kind} ${at} ${by}`)
      } finally {
        await log.write(name, text)
      }
    }),
    { numRuns: 150 },
  )
  const segments = names.filter((name) => name.startsWith('segment'))
  for (const [i, name] of segments.entries()) {
    const other = segments[(i + 1) % segments.length]!
    await log.write(name, good.get(other)!)
    await log.write(other, good.get(name)!)
    assert.match((await log.verify()).join('\n'), /under another name: segments were swapped/)
    await log.write(name, good.get(name)!)
    await log.write(other, good.get(other)!)
    await unlink(join(log.folder, name))
    const said = (await log.verify()).join('\n')
    assert.match(said, /is missing|the end was cut off|the log has not come by/, name)
    await log.write(name, good.get(name)!)
  }
  assert.deepEqual(await log.verify(), [])
})

function changedText(text: string, kind: string, at: number, by: number): string {
  const lines = text.split('\n')
  const i = at % Math.max(1, lines.length - 1)
  switch (kind) {
    case 'byte': {
      const place = at % text.length
      const code = (text.charCodeAt(place) + by) % 256
      return text.slice(0, place) + String.fromCharCode(code) + text.slice(place + 1)
    }
    case 'drop':
      return lines.toSpliced(i, 1).join('\n')
    case 'twice':
      return lines.toSpliced(i, 0, lines[i]!).join('\n')
    case 'swap':
      return lines.toSpliced(i, 2, lines[(i + 1) % lines.length]!, lines[i]!).join('\n')
    case 'cut':
      return text.slice(0, at % text.length)
    default:
      return lines.toSpliced(i, 0, someEvent(1)).join('\n')
  }
}

test('it is said what is wrong, and where', async (t) => {
  const log = await testLog(t)
  await fill(await log.open(), 30)
  const name = 'segment-000000001.jsonl'
  const good = (await log.texts()).get(name)!
  const lines = good.split('\n')
  const at = lines.findIndex((line) => line.includes('corp.example/m14"'))
  const cases: [title: string, changed: string, said: RegExp][] = [
    [
      'edited',
      good.replace('corp.example/m14"', 'corp.example/mXX"'),
      /^1:14-25 a line of these was changed \(events 11 to 20\): their hash is not/,
    ],
    ['removed', lines.toSpliced(at, 1).join('\n'), /^1:\d+-\d+ event 14 is missing/],
    [
      'swapped',
      lines.toSpliced(at, 2, lines[at + 1]!, lines[at]!).join('\n'),
      /event 15 stands before event 14/,
    ],
    [
      'cut',
      lines.slice(0, at).join('\n'),
      /30 events are signed, and the files end at event 10: the end was cut off/,
    ],
  ]
  for (const [title, changed, said] of cases) {
    await log.write(name, changed)
    assert.match((await log.verify()).join('\n'), said, title)
  }
  await log.write(name, good)
  const { vkey } = generateKey('modstead-audit')
  const { findings } = await verifyAudit({ files: log.files, verifiers: [parseVerifierKey(vkey)] })
  assert.match(
    findings.map(({ what }) => what).join('\n'),
    /the signature is not to be trusted: no known key/,
  )
})

test('an end that a server could not write is unfinished, and nothing else is', async (t) => {
  const log = await testLog(t)
  const writer = await log.open()
  await writer.append(blocksOf([someEvent(1), someEvent(2)], 1))
  await writer.checkpoint()
  await writer.append(blocksOf([someEvent(3)], 3))
  const name = 'segment-000000001.jsonl'
  const whole = (await log.texts()).get(name)!
  const report = async (text: string) => {
    await log.write(name, text)
    const { verifiers } = await openKeys(log.files, [])
    return verifyAudit({ files: log.files, verifiers, patience: 1 })
  }
  const torn = someEvent(5).slice(0, 100)
  const short = await report(`${whole}${someEvent(4)}\n${torn}`)
  assert.deepEqual(short.findings, [])
  const lines = whole.split('\n').length
  assert.deepEqual(short.unfinished, { segment: 1, line: lines + 1 })
  assert.deepEqual([short.events, short.last, short.signed], [3, 3, 2])
  // A whole line that was added, and a cut into what is signed.
  assert.match((await report(`${whole}${someEvent(4)}\n`)).findings[0]!.what, /under no hash/)
  const cut = await report(whole.slice(0, whole.indexOf('{"signed":') - 20))
  assert.match(
    cut.findings[0]!.what,
    /2 events are signed, and the files end at event 0: the end was cut off/,
  )
  assert.equal((await report(whole)).unfinished, undefined)
  await writer.close()
})

test('a chain that was made anew without the key is found at the next signature', async (t) => {
  const log = await testLog(t)
  await fill(await log.open(), 20)
  const name = 'segment-000000001.jsonl'
  const good = (await log.texts()).get(name)!
  // The forger writes a log of the same length with a writer of his own, and puts the old signatures in.
  const other = await testLog(t)
  await fill(await other.open(), 20)
  const forged = (await other.texts()).get(name)!.split('\n')
  const signed = good.split('\n').filter((line) => line.startsWith('{"signed"'))
  await log.write(
    name,
    forged.map((line) => (line.startsWith('{"signed"') ? signed.shift()! : line)).join('\n'),
  )
  assert.match((await log.verify()).join('\n'), /another log than what stands above/)
})

test('an older checkpoint that was kept elsewhere must be in the log', async (t) => {
  const log = await testLog(t)
  await fill(await log.open(), 10)
  const kept = await log.files.readSmall('head')
  await fill(await log.open(), 10)
  const { openKeys } = await import('./key.ts')
  const { verifiers } = await openKeys(log.files, [])
  const verify = async () =>
    (await verifyAudit({ files: log.files, verifiers, checkpoint: kept! })).findings.map(({ what }) => what)
  assert.deepEqual(await verify(), [])
  // All of it written anew, with the right key.
  for (const name of (await log.texts()).keys()) await rm(join(log.folder, name))
  await fill(await log.open(), 20)
  assert.match((await verify()).join('\n'), /has not come by what was signed after event 10/)
})

test('what a crash left is cut to what is under a hash, and the log goes on', async (t) => {
  const log = await testLog(t)
  const writer = await log.open()
  await writer.append(blocksOf([someEvent(1), someEvent(2)], 1))
  await writer.checkpoint()
  await writer.append(blocksOf([someEvent(3)], 3))
  const name = 'segment-000000001.jsonl'
  const text = (await log.texts()).get(name)!
  for (const torn of [
    text,
    `${text}${someEvent(4)}`,
    `${text}${someEvent(4)}\n{"cha`,
    `${text}\n\u0000\u0000`,
  ]) {
    await log.write(name, torn)
    const again = await log.open()
    assert.equal(again.seq, 3)
    await fill(again, 2)
    assert.deepEqual(await log.verify(), [], JSON.stringify(torn.slice(text.length)))
    const recovered = (await log.texts()).get(name)!.includes('{"recovered"')
    assert.equal(recovered, torn !== text)
    await rm(join(log.folder, 'head'))
  }
  // A crash in the instant in which a segment was begun.
  const other = await testLog(t)
  await fill(await other.open({ ...SMALL, size: 1 }), 10)
  await other.write('segment-000000002.jsonl', '{"segment":{"form')
  await fill(await other.open(), 2)
  assert.deepEqual(await other.verify(), [])
  await writer.close()
})

test('a log that was tampered with is not gone on with, but in a new segment, and an alarm is raised', async (t) => {
  const log = await testLog(t)
  await fill(await log.open(), 30)
  const name = 'segment-000000001.jsonl'
  const good = (await log.texts()).get(name)!
  for (const changed of [good.replace('m14"', 'mXX"'), good.slice(0, 4000)]) {
    await log.write(name, changed)
    await fill(await log.open(), 5)
    assert.equal((await log.texts()).get(name), changed, 'nothing of the evidence is lost')
    assert.match(log.observer.lines.map(({ message }) => message).join('\n'), /the audit log was changed/)
    assert.notDeepEqual(await log.verify(), [])
    for (const other of (await log.texts()).keys())
      if (/00[2-9]/.test(other)) await rm(join(log.folder, other))
  }
})
