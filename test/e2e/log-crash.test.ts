// Kills a process that adds to its checksum log, and lets each of its writes fail or be its last; after each, the log
// is whole, goes on, and has kept what it promised. MODSTEAD_FAULTS=1000 makes it 1,000 runs under strace, and
// MODSTEAD_FAULTS=250-500/1000 a quarter of them; without it there are as many as CI has time for.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generateKey } from '@modstead/gomod/note'
import type { ChildOrders, ChildSays } from '../support/log-child.ts'
import {
  type Acknowledged,
  entryOf,
  logFiles,
  openOwnLog,
  type Promises,
  verifyOwnLog,
} from '../support/own-log.ts'

const CHILD = fileURLToPath(new URL('../support/log-child.ts', import.meta.url))
const keys = generateKey('sum.corp.example')

/** Every call that changes a file or the folder. node:sqlite and node:fs make no other (a run without faults shows it). */
const CALLS = [
  'openat',
  'write',
  'pwrite64',
  'pwritev',
  'fsync',
  'fdatasync',
  'ftruncate',
  'fallocate',
  'rename',
  'link',
  'unlink',
]
const KINDS = ['error=EIO', 'error=ENOSPC', 'signal=KILL', 'error=EIO+', 'error=ENOSPC+'] as const
const BATCHES = 6
const RUNS_IN_CI = 15
const KILLS_IN_CI = 4
const CHILD_DEADLINE = 60_000

/** One call to let fail: the `nth` of its kind that a thread makes on the files of the log. */
interface Fault {
  call: string
  nth: number
  kind: (typeof KINDS)[number]
}

test('a log that is killed at random moments keeps what it promised', async (t) => {
  const folder = await temporaryFolder(t)
  const promises: Heard = { entries: [], heads: [] }
  for (let round = 1; round <= KILLS_IN_CI; round++) {
    const said = join(await temporaryFolder(t), 'said')
    const child = await startChild([], { folder, keys, round, seed: round, batches: 1_000_000 }, said)
    // Its deadline is that of the child.
    while (running(child.process) && !(await readFile(said, 'utf8')).includes('"entry"')) await sleep(5)
    setTimeout(() => child.process.kill('SIGKILL'), (round * 37) % 300)
    assert.equal((await child.ended)[1], 'SIGKILL')
    await hear(said, promises)
    await verifyOwnLog(folder, keys, promises)
  }
  t.diagnostic(`${promises.entries.length} entries were acknowledged in ${KILLS_IN_CI} lives`)
})

test('a log whose calls to the system fail, or are the last it makes, keeps what it promised', async (t) => {
  if (spawnSync('strace', ['-V']).error !== undefined) {
    t.skip('strace is not installed: npm run tools')
    return
  }
  const counts = await countCalls(t)
  const all = CALLS.flatMap((call) =>
    Array.from({ length: counts.get(call) ?? 0 }, (_, i) =>
      KINDS.map((kind) => ({ call, nth: i + 1, kind })),
    ),
  ).flat()
  const chosen = choose(all, process.env.MODSTEAD_FAULTS)
  let hit = 0
  let acknowledged = 0
  for (const [round, fault] of chosen) {
    const outcome = await runWith(t, fault, round)
    hit += outcome.hit ? 1 : 0
    acknowledged += outcome.entries
  }
  const calls = Array.from(counts, ([call, n]) => `${n} ${call}`).join(', ')
  t.diagnostic(`calls of one life: ${calls}; ${all.length} faults in all`)
  t.diagnostic(`${chosen.length} runs, ${hit} with a fault, ${acknowledged} entries acknowledged`)
  // The order of threads decides whether the last calls of a life are made.
  assert.ok(hit > chosen.length * 0.9, `only ${hit} of ${chosen.length} faults came to pass`)
})

function running({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** How often a thread makes each call in a life without faults, at most. */
async function countCalls(t: TestContext): Promise<Map<string, number>> {
  const { trace } = await runChild(t, undefined, 1)
  const counts = new Map<string, number>()
  const byThread = new Map<string, number>()
  for (const [, thread, call] of trace.matchAll(/^(\d+) +(\w+)\(/gm)) {
    const key = `${thread} ${call}`
    byThread.set(key, (byThread.get(key) ?? 0) + 1)
    counts.set(call!, Math.max(counts.get(call!) ?? 0, byThread.get(key)!))
  }
  for (const call of ['openat', 'pwrite64', 'fsync', 'fdatasync', 'rename', 'unlink'])
    assert.ok((counts.get(call) ?? 0) > 0, `the log makes no ${call} any more`)
  return counts
}

async function runWith(t: TestContext, fault: Fault, round: number) {
  const { folder, trace, promises, errors } = await runChild(t, fault, round)
  try {
    for (const { code, message } of errors)
      assert.equal(code, 'store_unavailable', `an error of the disk was taken for another: ${message}`)
    await verifyOwnLog(folder, keys, promises)
    await goOn(folder)
    await verifyOwnLog(folder, keys, promises)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`round ${round}, ${JSON.stringify(fault)}: ${why}`, { cause })
  }
  return { hit: /\(INJECTED\)|killed by SIGKILL/.test(trace), entries: promises.entries.length }
}

/** Whatever happened, the log takes more. */
async function goOn(folder: string): Promise<void> {
  const { log, close } = await openOwnLog(folder, keys)
  const { size } = log.head()
  assert.equal(await log.append(entryOf('after-all')), size)
  await close()
}

/** A life of the child under strace, in a folder of its own. */
async function runChild(t: TestContext, fault: Fault | undefined, round: number) {
  const folder = await temporaryFolder(t)
  const trace = join(folder, 'trace')
  const log = join(folder, 'log')
  await mkdir(log)
  const { database, mark } = logFiles(log)
  const paths = [log, database, `${database}-wal`, `${database}-shm`, mark, `${mark}.tmp`]
  // The first of many, or the only one.
  const often = fault?.kind.endsWith('+') ? '+' : ''
  const inject = fault && `inject=${fault.call}:${fault.kind.replace('+', '')}:when=${fault.nth}${often}`
  const killing = fault?.kind === 'signal=KILL'
  const strace = [
    'strace',
    // With the filter it is faster, but sends no signals.
    ...(killing ? [] : ['--seccomp-bpf']),
    '-f',
    '-qq',
    '-o',
    trace,
    '-e',
    `trace=${CALLS.join(',')}`,
    ...paths.flatMap((path) => ['-P', path]),
    ...(inject === undefined ? [] : ['-e', inject]),
  ]
  const promises: Heard = { entries: [], heads: [] }
  const said = join(folder, 'said')
  const child = await startChild(strace, { folder: log, keys, round, seed: 1, batches: BATCHES }, said)
  const [code, signal] = await child.ended
  const killed = killing && signal === 'SIGKILL'
  assert.ok(killed || code === 0, `the child ended with ${code ?? signal}`)
  const errors = await hear(said, promises)
  const text = await readFile(trace, 'utf8')
  return { folder: log, trace: text, promises, errors }
}

/** `tracer` is what it runs under. Faults count by thread: one thread reads and writes files for node. */
async function startChild(tracer: readonly string[], orders: ChildOrders, said: string) {
  const [file, ...args] = [...tracer, process.execPath, CHILD, JSON.stringify(orders)]
  const output = await open(said, 'w')
  const child = spawn(file, args, {
    stdio: ['ignore', output.fd, 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    timeout: CHILD_DEADLINE,
  })
  const ended = once(child, 'close') as Promise<[code: number | null, signal: string | null]>
  await output.close()
  return { process: child, ended }
}

/** Takes in what a child has said; gives the failures that it told of. */
async function hear(said: string, promises: Heard) {
  const failures: Extract<ChildSays, { said: 'failed' }>[] = []
  // What a kill cut off was not said.
  for (const line of (await readFile(said, 'utf8')).split('\n').slice(0, -1)) {
    const says = JSON.parse(line) as ChildSays
    if (says.said === 'failed') failures.push(says)
    if (says.said === 'head') promises.heads.push(Buffer.from(says.note, 'base64'))
    if (says.said === 'entry') promises.entries.push({ ...says, note: Buffer.from(says.note, 'base64') })
  }
  return failures
}

interface Heard extends Promises {
  entries: Acknowledged[]
  heads: Uint8Array[]
}

/** `wanted` is `TOTAL` or `FROM-TO/TOTAL`: spread over all faults, each again where there are fewer. */
function choose(all: readonly Fault[], wanted = String(RUNS_IN_CI)): [round: number, fault: Fault][] {
  const parts = /^(?:(?<from>\d+)-(?<to>\d+)\/)?(?<total>\d+)$/.exec(wanted)?.groups
  if (parts === undefined) throw new Error(`MODSTEAD_FAULTS=${wanted} is neither TOTAL nor FROM-TO/TOTAL`)
  const total = Number(parts.total)
  const from = Number(parts.from ?? 0)
  return Array.from({ length: Number(parts.to ?? total) - from }, (_, i) => {
    const round = from + i
    return [round + 1, all[Math.floor((round * all.length) / total) % all.length]!]
  })
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-log-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
