/**
 * `npm run bench [-- ROW …]`: measures what modstead promises about speed, prints each figure with its limit beside
 * it, and writes them to bench/results/. It ends with 0 whatever the figures are: limits are judged by people, on
 * machines they know. docs/performance.md explains the rows.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { formatFigure, judge, Unavailable, type Figure, type Row } from './figure.ts'
import { CPUS, machine, pinned } from './pinned.ts'
import { catalog } from './rows/catalog.ts'
import { cold } from './rows/cold.ts'
import { firstByte } from './rows/first-byte.ts'
import { gitCrowd } from './rows/git-crowd.ts'
import { gitFifty } from './rows/git-fifty.ts'
import { gitFirst } from './rows/git-first.ts'
import { gitLarge } from './rows/git-large.ts'
import { gitTag } from './rows/git-tag.ts'
import { large } from './rows/large.ts'
import { logAppend, logAppendLong } from './rows/log-append.ts'
import { logLookup, logNew } from './rows/log-lookup.ts'
import { nginx } from './rows/nginx.ts'
import { peers } from './rows/peers.ts'
import { start } from './rows/start.ts'
import { storm } from './rows/storm.ts'
import { access } from './rows/access.ts'
import { warmHttp, warmTls } from './rows/warm.ts'

const ROWS: readonly Row[] = [
  warmHttp,
  warmTls,
  access,
  large,
  storm,
  firstByte,
  start,
  catalog,
  nginx,
  cold,
  gitFirst,
  gitTag,
  gitFifty,
  gitLarge,
  gitCrowd,
  logAppend,
  logAppendLong,
  logLookup,
  logNew,
  peers,
]

interface Result {
  row: string
  title: string
  /** Seconds. */
  took: number
  figures: (Figure & { verdict: string })[]
  unavailable?: string
  error?: string
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !ROWS.some((row) => row.name === name))
  if (unknown !== undefined)
    throw new Error(`there is no row "${unknown}"; rows are ${ROWS.map((row) => row.name).join(', ')}`)
  const chosen = ROWS.filter((row) => (names.length > 0 ? names.includes(row.name) : !row.optional))
  const about = machine()
  console.log(`${about.cpus} × ${about.model}, node ${about.node}`)
  if (!about.pinned)
    console.log('nothing is pinned to a CPU (one CPU, or no taskset): servers and load share them')
  const results: Result[] = []
  for (const row of chosen) results.push(await runRow(row))
  const folder = new URL('./results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  const file = new URL(`${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}.json`, folder)
  await writeFile(
    file,
    `${JSON.stringify({ at: new Date().toISOString(), machine: about, results }, undefined, 2)}\n`,
  )
  const missed = results.flatMap(({ row, figures }) =>
    figures.filter(({ verdict }) => verdict === 'missed').map(({ name }) => `${row}: ${name}`),
  )
  const broken = results.filter(({ error }) => error !== undefined).map(({ row }) => `${row}: did not run`)
  console.log(`\nwritten to ${fileURLToPath(file)}`)
  for (const line of [...broken, ...missed]) console.log(`MISSED ${line}`)
}

async function runRow(row: Row): Promise<Result> {
  console.log(`\n${row.title}  [${row.name}]`)
  const started = performance.now()
  const result: Result = { row: row.name, title: row.title, took: 0, figures: [] }
  try {
    for (const figure of await row.run()) {
      console.log(formatFigure(figure))
      result.figures.push({ ...figure, verdict: judge(figure) })
    }
  } catch (error) {
    // One row that cannot run must not cost the others.
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof Unavailable) result.unavailable = message
    else result.error = message
    console.log(`  ${error instanceof Unavailable ? 'not run' : 'FAILED'}: ${message}`)
  }
  result.took = (performance.now() - started) / 1000
  return result
}

/** What runs in this process (upstreams, the storm's clients) is load: it belongs on the load's CPU. */
function onLoadCpu(args: readonly string[]): boolean {
  if (CPUS === undefined || process.env.MODSTEAD_BENCH_PINNED === '1') return true
  const [file = '', ...rest] = pinned('load', [
    process.execPath,
    ...process.execArgv,
    process.argv[1]!,
    ...args,
  ])
  const env = { ...process.env, MODSTEAD_BENCH_PINNED: '1' }
  process.exitCode = spawnSync(file, rest, { stdio: 'inherit', env }).status ?? 1
  return false
}

const args = process.argv.slice(2)
if (onLoadCpu(args)) {
  try {
    await main(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
