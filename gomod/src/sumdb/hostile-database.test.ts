/**
 * A hostile database, property by property: for random logs, histories of the client and questions, each class of
 * bytes of each kind of answer is changed, and answers of other times, other databases and other logs are mixed in.
 * What the client does not refuse must be the truth, bit for bit. (client-hostile.test.ts has the attacks one by one.)
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { generateKey } from '../note.ts'
import { parseDataTile } from '../tlog/record.ts'
import type { LookupResult, SignedHead } from './client.ts'
import { ask, createExampleDatabase, SKEY } from './fixture.ts'
import {
  changeSpan,
  type Draw,
  lookupSpans,
  noteSpans,
  rearrange,
  REARRANGEMENTS,
  recordSpans,
  type Span,
} from './hostile.fixture.ts'
import {
  drawer,
  growEvil,
  growHonest,
  kindOf,
  type Kind,
  questionOf,
  QUESTIONS,
  refused,
  scenes,
  stage,
} from './hostile-scene.fixture.ts'
import { createMemoryDatabase } from './memory-database.ts'

const SEED = 20_261_126
/** Of each class. A change counts where the client got to see it. */
const RUNS = 20

/** Another answer instead of an honest one; `undefined` where this change cannot be made to it. */
type Change = (honest: Uint8Array, draw: Draw) => Uint8Array | undefined

function spansTo(spansOf: (answer: Uint8Array) => Span[], name: string): Change {
  return (honest, draw) => {
    const spans = spansOf(honest).filter((span) => span.class === name)
    const span = spans[draw(spans.length)]
    return span && changeSpan(honest, span, draw)
  }
}

function classesOf(spans: readonly Span[]): string[] {
  return [...new Set(spans.map((span) => span.class))]
}

const hashesOf = (tile: Uint8Array) =>
  Array.from({ length: tile.length / 32 }, (_, i) => tile.subarray(i * 32, i * 32 + 32))
/** With the blank line behind each. */
const recordsOf = (tile: Uint8Array) =>
  parseDataTile(tile).map((record) => Buffer.concat([record, Buffer.from('\n')]))
const pieceSpans = (pieces: readonly Uint8Array[], spansOf: (piece: Uint8Array) => Span[]): Span[] => {
  let at = 0
  return pieces.flatMap((piece) => {
    const from = at
    at += piece.length
    return spansOf(piece).map((span) => ({ class: span.class, from: from + span.from, to: from + span.to }))
  })
}
const hashTileSpans = (tile: Uint8Array) =>
  pieceSpans(hashesOf(tile), (hash) => [{ class: 'hash', from: 0, to: hash.length }])
const dataTileSpans = (tile: Uint8Array) => pieceSpans(recordsOf(tile), recordSpans)

const example = createExampleDatabase(1)
const [anAnswer, aHead] = await Promise.all(
  ['/lookup/pkg.example/4@v1.0.0', '/latest'].map((path) => ask(example, path)),
)
const aRecord = recordsOf(await ask(example, '/tile/2/data/001.p/1'))[0]!

const CHANGES: [kind: Kind, name: string, change: Change][] = [
  ...classesOf(lookupSpans(anAnswer!)).map((name) => changeOf('lookup', name, spansTo(lookupSpans, name))),
  ...classesOf(noteSpans(aHead!)).map((name) => changeOf('latest', name, spansTo(noteSpans, name))),
  ...classesOf(recordSpans(aRecord)).map((name) => changeOf('data tile', name, spansTo(dataTileSpans, name))),
  changeOf('hash tile', 'hash', spansTo(hashTileSpans, 'hash')),
  ...REARRANGEMENTS.flatMap((how) => [
    changeOf('hash tile', how, (tile, draw) => rearrange(hashesOf(tile), how, draw)),
    changeOf('data tile', how, (tile, draw) => rearrange(recordsOf(tile), how, draw)),
    changeOf('lookup', how, (answer, draw) => rearrangeLines(answer, how, draw)),
    changeOf('latest', how, (answer, draw) => rearrangeLines(answer, how, draw)),
  ]),
]

function changeOf(kind: Kind, name: string, change: Change): [Kind, string, Change] {
  return [kind, name, change]
}

/** A signature that stands there twice is no change: golang.org/x/mod takes it too. */
function rearrangeLines(
  answer: Uint8Array,
  how: (typeof REARRANGEMENTS)[number],
  draw: Draw,
): Uint8Array | undefined {
  const lines = linesOf(answer)
  const changed = rearrange(lines, how, draw)
  return changed?.equals(Buffer.concat([...lines, lines.at(-1)!])) ? undefined : changed
}

function linesOf(text: Uint8Array): Buffer[] {
  return Array.from(
    Buffer.from(text)
      .toString('latin1')
      .matchAll(/[^\n]*\n/g),
    ([line]) => Buffer.from(line, 'latin1'),
  )
}

describe('what a hostile database changes', () => {
  for (const [i, [kind, name, change]] of CHANGES.entries())
    it(`is refused: ${kind}, ${name}`, async (t) => {
      let made = 0
      const property = fc.asyncProperty(scenes(QUESTIONS[kind]), async (scene) => {
        // Only of hash tiles is more than one needed.
        const nth = kind === 'hash tile' ? scene.nth : 0
        let met = 0
        let changed: Uint8Array | undefined
        const staged = await stage(scene, async (path, honest) => {
          const answer = await honest()
          if (kindOf(path) !== kind || met++ !== nth) return answer
          const other = change(answer, staged.draw)
          if (other === undefined || Buffer.compare(other, answer) === 0) return answer
          changed = other
          return other
        })
        const said = await refused(staged)
        if (changed === undefined) return
        made++
        assert.ok(said, `${JSON.stringify(Buffer.from(changed).toString('latin1'))} was taken for the truth`)
      })
      await fc.assert(property, { seed: SEED + i, numRuns: RUNS })
      t.diagnostic(`${made} changes`)
      assert.ok(made >= RUNS / 4, `only ${made} changes of ${kind}, ${name} were seen`)
    })
})

describe('answers that are true elsewhere', () => {
  for (const kind of ['lookup', 'latest', 'hash tile', 'data tile'] as const) {
    it(`are refused in the place of another: ${kind}`, async () => {
      let made = 0
      const property = fc.asyncProperty(scenes(QUESTIONS[kind]), async (scene) => {
        let changed = false
        const staged = await stage(scene, async (path, honest) => {
          const answer = await honest()
          if (kindOf(path) !== kind || changed) return answer
          const { database, draw } = staged
          const id = 4 + draw(database.size - 4)
          const tile = `${1 + draw(Math.floor((database.size - 4) / 4) || 1)}`.padStart(3, '0')
          const others = [
            `/lookup/pkg.example/${id}@v1.0.0`,
            '/latest',
            `/tile/2/0/${tile}`,
            `/tile/2/data/${tile}`,
          ]
          const other = await ask(database, others[draw(others.length)]!).catch(() => answer)
          changed = Buffer.compare(other, answer) !== 0
          return other
        })
        const said = await refused(staged)
        if (!changed) return
        made++
        assert.ok(said)
      })
      await fc.assert(property, { seed: SEED, numRuns: RUNS * 3 })
      assert.ok(made >= RUNS, `${made} were seen`)
    })

    for (const [who, skey] of [
      ['another database', generateKey('localhost.localdev/sumdb', Buffer.alloc(32, 3)).skey],
      ['another log with the same key', SKEY],
    ] as const)
      it(`are refused from ${who}: ${kind}`, async () => {
        let made = 0
        const property = fc.asyncProperty(scenes(QUESTIONS[kind]), async (scene) => {
          const other = createMemoryDatabase({ skey })
          growEvil(other, 4 + scene.before + scene.more)
          let changed = false
          const staged = await stage(scene, async (path, honest) => {
            const answer = await honest()
            if (kindOf(path) !== kind) return answer
            const theirs = await ask(other, path)
            if (Buffer.compare(theirs, answer) !== 0) changed = true
            return theirs
          })
          const said = await refused(staged)
          if (!changed) return
          made++
          // Without a history to contradict, a head alone is true of the log that has its tiles, and there it has none.
          assert.ok(said)
        })
        await fc.assert(property, { seed: SEED, numRuns: RUNS })
        assert.ok(made >= RUNS / 5, `${made} were seen`)
      })
  }

  it('are taken from other times of the same log, or refused, and never make a client forget', async (t) => {
    let [mixed, taken] = [0, 0]
    const property = fc.asyncProperty(scenes(QUESTIONS.any), async (scene) => {
      const times = [4 + scene.before, 4 + scene.before + scene.more, 4 + scene.before + 2 * scene.more]
      const databases = times.map((size) => growHonest(createExampleDatabase(), size))
      const staged = await stage(scene, (path, honest) => {
        const time = databases[staged.draw(databases.length)]!
        return ask(time, path).catch(honest)
      })
      mixed++
      growHonest(staged.database, times[2]!)
      const head = staged.ops.head
      if (!(await refused({ ...staged, sizes: times }))) taken++
      if (head !== undefined) assert.ok(sizeIn(staged.ops.head!) >= sizeIn(head), 'the kept head went back')
    })
    await fc.assert(property, { seed: SEED, numRuns: RUNS * 10 })
    t.diagnostic(`${taken} of ${mixed} were taken`)
    assert.ok(taken > mixed / 3)
  })

  it('of two logs with one key never convince one client of both', async (t) => {
    let [answers, alarms] = [0, 0]
    const property = fc.asyncProperty(scenes(QUESTIONS.any), async (scene) => {
      const { before, more, draws } = scene
      const evil = growEvil(growHonest(createExampleDatabase(), 4 + before).fork(), 4 + before + more)
      const staged = await stage(scene, (path, honest) =>
        staged.draw(2) === 0 ? honest() : ask(evil, path).catch(honest),
      )
      const sides = new Set<string>()
      const draw = drawer(draws)
      for (let i = 0; i < 6; i++) {
        const kind = QUESTIONS.any[draw(2)]!
        const question = questionOf(kind, staged.database, staged.database.size, draw)
        const answer = await question.ask(staged.client).catch(() => undefined)
        if (answer === undefined) continue
        answers++
        const told = kind === 'lookup' ? (answer as LookupResult).record : (answer as SignedHead).note
        for (const [side, database] of Object.entries({ honest: staged.database, evil })) {
          const truths =
            kind === 'lookup'
              ? await database.readRecords((answer as LookupResult).id, 1, AbortSignal.timeout(1_000))
              : [await database.signedAt((answer as SignedHead).tree.size)]
          if (Buffer.compare(told, truths[0]!) !== 0) sides.add(side === 'honest' ? 'evil' : 'honest')
        }
      }
      assert.ok(sides.size <= 1, 'a client believed two logs')
      alarms += staged.ops.alarms.length
    })
    await fc.assert(property, { seed: SEED, numRuns: RUNS * 5 })
    t.diagnostic(`${answers} answers were taken, ${alarms} alarms raised`)
    assert.ok(answers > RUNS && alarms > RUNS / 2)
  })
})

function sizeIn(note: Uint8Array): number {
  return Number(Buffer.from(note).toString().split('\n')[1])
}
