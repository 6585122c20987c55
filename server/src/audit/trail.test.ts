import assert from 'node:assert/strict'
import * as promises from 'node:fs/promises'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestObserver, eventually, temporaryFolder } from '../observe/test-support.ts'
import { openAuditFiles } from '../store/audit-files.ts'
import type { AuditEvent, AuditFacts } from './event.ts'
import { createIds } from './ids.ts'
import { leaveAct } from './inbox.ts'
import { openKeys } from './key.ts'
import { createMask } from './mask.ts'
import { readEvents } from './read-events.ts'
import { createRetention } from './retention.ts'
import { createTrail } from './trail.ts'
import { verifyAudit } from './verify.ts'
import { openWriter } from './writer.ts'

/** As access/network.ts has it, which stands above. */
const networkOf = (address: string) => address.replace(/:[^:]*$/, '::/64')

const EVENT: AuditFacts = {
  event_type: 'download',
  auth_result: 'ok',
  module: 'corp.example/lib',
  kind: 'zip',
}

interface Options {
  onFull?: 'block' | 'drop'
  disk?: number
  keep?: number
  rotate?: { size: number; age: number }
  sync?: number
  needed?: () => number
  /** How long after a look at the inbox it is known what was there. Milliseconds. */
  slow?: number
}

async function openPlace(t: TestContext, options: Options = {}) {
  const {
    onFull = 'block',
    disk = 1e9,
    keep = 1e9,
    rotate = { size: 1 << 20, age: 1e9 },
    sync = 10_000,
  } = options
  const closing: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const close of closing) await close()
  })
  const folder = await temporaryFolder(t)
  const failing = { code: undefined as string | undefined }
  // A disk that writes nothing, as long as it is told so.
  const disks = {
    ...promises,
    async open(path: string, ...rest: unknown[]) {
      const open = promises.open as (path: string, ...rest: unknown[]) => Promise<promises.FileHandle>
      const file = await open(path, ...rest)
      const write = file.write.bind(file) as (...args: unknown[]) => Promise<unknown>
      file.write = (async (...args: unknown[]) => {
        if (failing.code === undefined) return write(...args)
        // Half of it is written before it fails.
        const [bytes, at, length, position] = args as [Buffer, number, number, number]
        await write(bytes, at, length >> 1, position)
        throw Object.assign(new Error(failing.code), { code: failing.code })
      }) as typeof file.write
      return file
    },
  } as typeof promises
  const quick = await openAuditFiles(folder, { files: disks })
  const files = {
    ...quick,
    async inbox() {
      const found = await quick.inbox()
      if (options.slow !== undefined) await sleep(options.slow)
      return found
    },
  }
  const { signer, verifierKey, verifiers } = await openKeys(files, [])
  const observer = createTestObserver()
  const newId = createIds()
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  const writer = await openWriter({
    files,
    signer,
    verifierKey,
    verifiers,
    rotate,
    newId,
    log: observer.log,
    now,
  })
  const retention = createRetention({ files, disk, keep, needed: options.needed ?? (() => Infinity), now })
  const mask = createMask('partial', 'x')
  const trail = createTrail({ files, writer, retention, newId, mask, sync, onFull, observer, networkOf, now })
  closing.push(() => trail.close())
  return {
    folder,
    files,
    failing,
    observer,
    clock,
    trail,
    writer,
    async events() {
      const all: AuditEvent[] = []
      for await (const found of readEvents(files, {})) all.push(...found)
      return all
    },
    verify: async () =>
      (await verifyAudit({ files, verifiers, patience: 1 })).findings.map(({ what }) => what),
  }
}

test('a disk that fails loses nothing while there is room in memory, blocks, and goes on by itself', async (t) => {
  const { trail, failing, events, observer, verify } = await openPlace(t)
  trail.record(EVENT)
  await trail.flush()
  assert.equal(trail.blocked, false)
  failing.code = 'ENOSPC'
  for (let i = 0; i < 300; i++) trail.record(EVENT)
  await trail.flush()
  assert.equal(trail.blocked, true)
  assert.match(trail.warnings().join(), /cannot be written: .*its disk is full/)
  for (let i = 0; i < 3; i++) await trail.flush()
  assert.equal(observer.lines.filter(({ level }) => level === 'error').length, 1, 'it is said once')
  failing.code = undefined
  await trail.flush()
  assert.equal(trail.blocked, false)
  assert.deepEqual(trail.warnings(), [])
  assert.deepEqual(
    (await events()).map(({ seq }) => seq),
    Array.from({ length: 301 }, (_, i) => i + 1),
  )
  assert.deepEqual(await verify(), [])
})

test('what finds no room in memory is dropped where that is wanted, counted and told', async (t) => {
  const { trail, failing, observer, events, verify } = await openPlace(t, { onFull: 'drop' })
  failing.code = 'EIO'
  const big = { ...EVENT, detail: 'x'.repeat(400), user_agent: 'y'.repeat(200), module: 'm'.repeat(1500) }
  for (let i = 0; i < 9_000; i++) trail.record(big)
  await trail.flush()
  assert.equal(trail.blocked, false)
  const lost = observer.counts.get('modstead_audit_dropped_total') ?? 0
  assert.ok(lost > 500 && lost < 4_000, `${lost}`)
  assert.match(observer.lines.map(({ message }) => message).join('\n'), /events of the audit log are lost: /)
  failing.code = undefined
  await trail.flush()
  assert.match(trail.warnings().join(), new RegExp(`${lost} events of the audit log were lost`))
  // Numbers have no gaps: what was dropped never had one.
  assert.equal((await events()).length, 9_000 - lost)
  assert.deepEqual(await verify(), [])
})

test('what commands leave is taken, masked, and what others leave is not', async (t) => {
  const { trail, files, folder, events, observer } = await openPlace(t, { sync: 10 })
  const ids = createIds()
  await leaveAct(files, { action: 'token.create', detail: 'abc for user:alice', user: 'oncall' }, ids())
  const version = { module: 'corp.example/lib', version: 'v1.4.2', tenant: 'acme' }
  await leaveAct(files, { action: 'version.promote', detail: '', user: 'oncall', ...version }, ids())
  await writeFile(join(folder, 'inbox', ids()), '{"event_type":"download"}')
  await writeFile(join(folder, 'inbox', 'other.txt'), 'no')
  await eventually(() => observer.counts.get('modstead_audit_events_total') === 2, 'it was taken')
  await trail.flush()
  const [event, promotion] = await events()
  assert.partialDeepStrictEqual(promotion, { action: 'version.promote', ...version })
  assert.partialDeepStrictEqual(event, {
    event_type: 'admin',
    action: 'token.create',
    user_principal: 'o***',
    kind: 'command',
  })
  assert.match(event!.detail, /^abc for user:alice; done 20/)
  await eventually(() => observer.lines.some(({ message }) => message.includes('is no event')), 'it was told')
})

test('on a slow disk each act that commands leave is recorded once', async (t) => {
  const { trail, files, folder, events } = await openPlace(t, { sync: 5, slow: 15 })
  const ids = createIds()
  for (let i = 0; i < 8; i++)
    await leaveAct(files, { action: `token.create ${i}`, detail: '', user: 'oncall' }, ids())
  const inbox = () => promises.readdir(join(folder, 'inbox'))
  for (let i = 0; i < 200 && (await inbox()).length > 0; i++) await sleep(10)
  assert.deepEqual(await inbox(), [])
  await trail.close()
  const actions = (await events()).map(({ action }) => action).filter((action) => action.startsWith('token'))
  assert.deepEqual(
    actions.toSorted(),
    [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `token.create ${i}`),
  )
})

test('old segments go once all sinks have them, and that is recorded before', async (t) => {
  const needed = { segment: 1 }
  const { trail, clock, files, verify, events } = await openPlace(t, {
    rotate: { size: 1, age: 1e9 },
    keep: 3_600_000,
    needed: () => needed.segment,
  })
  const round = async () => {
    clock.ahead += 120_000
    trail.record(EVENT)
    await trail.flush()
  }
  for (let i = 0; i < 4; i++) await round()
  assert.deepEqual(
    (await files.segments()).map(({ number }) => number),
    [1, 2, 3, 4, 5],
  )
  clock.ahead += 3_600_000
  for (let i = 0; i < 3; i++) await round()
  assert.equal((await files.segments())[0]!.number, 1, 'a sink still needs it')
  needed.segment = 4
  for (let i = 0; i < 3; i++) await round()
  assert.equal((await files.segments())[0]!.number, 4)
  assert.match((await events()).map(({ action }) => action).join(), /audit\.prune through segment 3/)
  assert.deepEqual(await verify(), [])
  const [first] = await files.segments()
  await files.remove(first!.number)
  assert.deepEqual(await verify(), ['segment 4 is missing'])
})

test('a stranger who is refused 50,000 times does not fill the log, and is counted to the last', async (t) => {
  const { trail, clock, events, verify } = await openPlace(t, { disk: 1 << 20, sync: 10 })
  const refusal: AuditFacts = {
    event_type: 'refusal',
    auth_result: 'denied',
    status: 401,
    code: 'unauthenticated',
    module: 'corp.example/lib',
    user_agent: 'x'.repeat(200),
  }
  const alice: AuditFacts = {
    ...EVENT,
    user_principal: 'alice',
    principal_kind: 'user',
    client_ip: '10.0.0.1',
  }
  for (let i = 0; i < 50_000; i++) {
    trail.record({ ...refusal, client_ip: `10.1.${(i >> 8) & 255}.${i & 255}` })
    if (i % 1_000 !== 999) continue
    clock.ahead += 6_000
    trail.record(alice)
    // As many as in an hour: the timer of the log comes only now and then.
    await trail.flush()
    assert.equal(trail.blocked, false, `${i}`)
  }
  await trail.close()
  const all = await events()
  const total = all
    .filter(({ event_type }) => event_type === 'refusal')
    .reduce((sum, { count }) => sum + count, 0)
  assert.equal(total, 50_000)
  assert.equal(all.filter(({ user_principal }) => user_principal === 'alice').length, 50)
  assert.ok(all.length < 10_000, `${all.length}`)
  assert.deepEqual(await verify(), [])
})

test('the log stays within its disk, and files within their size, however fast events come', async (t) => {
  const disk = 1 << 20
  const size = 64 << 10
  const { trail, files, verify, events, observer } = await openPlace(t, { disk, rotate: { size, age: 1e9 } })
  let taken = 0
  // Whoever asks whether there is room is told before it is used up: nothing of this is written yet.
  for (; !trail.blocked && taken < 20_000; taken++) trail.record(EVENT)
  assert.match(trail.blockedBy() ?? '', /^nothing can be recorded: the audit log takes 1MiB, all that/)
  await trail.flush()
  assert.equal(trail.blocked, true)
  const segments = await files.segments()
  const block = 128 * 400
  for (const { number, bytes } of segments) assert.ok(bytes < size + block, `${number} has ${bytes} bytes`)
  const all = segments.reduce((sum, { bytes }) => sum + bytes, 0)
  // What chains and signs the lines comes on top.
  assert.ok(all >= disk && all < 1.05 * disk, `${all}`)
  assert.equal((await events()).length, taken)
  assert.deepEqual(await verify(), [])
  assert.equal(observer.counts.get('modstead_audit_dropped_total'), undefined)
})
