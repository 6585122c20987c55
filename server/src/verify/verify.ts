/**
 * Compares what go.sum files and the module cache of this machine say with the checksum database, and with what a
 * proxy has stored. Nothing is changed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { setMaxListeners } from 'node:events'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareModuleVersions } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import { createZipChecker } from '../proxy/zip-checker.ts'
import { checkVersion, type Checked, type Checking, type Status } from './check-version.ts'
import type { Claims, ModuleName } from './claims.ts'
import { type Finding, isDifference } from './finding.ts'
import { type StrangeEntry, walkCache } from './module-cache.ts'
import { openSides } from './open-sides.ts'
import { createPatience } from './patience.ts'
import type { GoMachine, VerifyFlags } from './settings.ts'
import { readSettings } from './settings.ts'
import { readSums, type Sums } from './sums.ts'
import { shownPlace } from './wording.ts'

export interface VerifyOptions {
  flags: VerifyFlags
  machine: GoMachine
  observer: Observer
  signal: AbortSignal
  /** Told after each version. */
  onProgress?: (done: number, all: number) => void
}

/**
 * `differences`: somebody is wrong, or could be. `not_compared`: nobody is as far as can be told now, but something
 * could not be compared, or nothing was.
 */
export type Result = 'agree' | 'differences' | 'not_compared'

export interface Report {
  result: Result
  /** The go.sum files that were read. */
  files: string[]
  /** The module cache. */
  cache: string
  /** Name of the checksum database, unless there is none. */
  database?: string
  /** Address of the proxy whose files were compared, if any were. */
  proxy?: string
  versions: Record<Status, number>
  /** By module and version, those about files first. */
  findings: Finding[]
}

/** Versions that are checked at the same time. */
const CONCURRENCY = 8

/** Throws `config_invalid` for flags and settings that make no sense, and the reason of the signal. */
export async function verify({
  flags,
  machine,
  observer,
  signal,
  onProgress,
}: VerifyOptions): Promise<Report> {
  const settings = await readSettings(flags, machine)
  const { cache } = settings
  const wanted = new Map<string, Wanted>()
  const findings: Finding[] = []
  const sums = await sumsOf(flags, machine)
  findings.push(...sums.findings)
  for (const { of, hash, where, ...name } of sums.lines)
    want(wanted, name).expected[of].push({ side: 'go_sum', hash, where })
  if (flags.cache) findings.push(...(await wantCached(wanted, cache)))

  // Every request of the run listens to it.
  setMaxListeners(0, signal)
  const sides = openSides(settings, machine, observer)
  const checker = createZipChecker({ threads: availableParallelism(), log: observer.log })
  const folder = await mkdtemp(join(tmpdir(), 'modstead-verify-'))
  try {
    const checking: Checking = {
      cache,
      privacy: settings.privacy,
      checker,
      platform: machine.platform,
      ...(sides.database && { database: sides.database }),
      ...(sides.proxy && { proxy: { ...sides.proxy, folder, patience: createPatience() } }),
    }
    const versions = { proven: 0, agree: 0, uncovered: 0, differs: 0, not_compared: 0 }
    let done = 0
    for await (const checked of checkAll([...wanted.values()], checking, signal)) {
      versions[checked.status]++
      findings.push(...checked.findings)
      onProgress?.(++done, wanted.size)
    }
    const sorted = withoutRepeats(findings).sort(byName)
    return {
      result: resultOf(sorted, versions),
      files: sums.files,
      cache,
      ...(sides.database && { database: sides.database.name }),
      ...(sides.proxy && { proxy: sides.proxy.open.url }),
      versions,
      findings: sorted,
    }
  } finally {
    await Promise.all([sides.close(), checker.close()])
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

interface Wanted {
  name: ModuleName
  expected: Claims
}

function want(wanted: Map<string, Wanted>, { path, version }: ModuleName): Wanted {
  const key = `${path}@${version}`
  const known = wanted.get(key) ?? { name: { path, version }, expected: { zip: [], 'go.mod': [] } }
  wanted.set(key, known)
  return known
}

/** With the whole cache no go.sum is needed, but one that is named or here counts. */
async function sumsOf(flags: VerifyFlags, { cwd }: GoMachine): Promise<Sums> {
  try {
    return await readSums(flags.target ?? '.', cwd)
  } catch (error) {
    const isNeeded = !flags.cache || flags.target !== undefined
    if (isNeeded || !(error instanceof ModsteadError) || error.code !== 'config_invalid') throw error
    return { files: [], lines: [], findings: [] }
  }
}

async function wantCached(wanted: Map<string, Wanted>, cache: string): Promise<Finding[]> {
  const download = join(cache, 'cache', 'download')
  const findings: Finding[] = []
  try {
    for await (const entry of walkCache(download)) {
      if ('path' in entry) want(wanted, entry)
      else findings.push(strange(entry))
    }
    return findings
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new ModsteadError('config_invalid', `there is no module cache at ${shownPlace(cache)} (${code})`, {
      cause: error,
      next: 'see "go env GOMODCACHE"',
    })
  }
}

function strange({ where, problem, isClosed = false }: StrangeEntry): Finding {
  if (isClosed)
    return {
      kind: 'not_compared',
      wrong: [],
      claims: [],
      message: `${shownPlace(where)} could not be looked into: ${problem}.`,
      steps: [{ text: 'Run it as a user who may read the module cache.', commands: [] }],
      security: false,
    }
  return {
    kind: 'unreadable',
    wrong: [],
    claims: [],
    message: `${shownPlace(where)} is not something that \`go\` puts into its cache: ${problem}.`,
    steps: [{ text: 'Find out how it came there, and remove it.', commands: [] }],
    security: false,
  }
}

/** In the order in which they are done. */
async function* checkAll(
  wanted: readonly Wanted[],
  checking: Checking,
  signal: AbortSignal,
): AsyncGenerator<Checked, void> {
  const running = new Map<number, Promise<{ index: number; checked: Checked }>>()
  const start = async (index: number) => {
    const { name, expected } = wanted[index]!
    return { index, checked: await checkVersion(name, expected, checking, signal) }
  }
  let next = 0
  try {
    while (next < wanted.length || running.size > 0) {
      for (; next < wanted.length && running.size < CONCURRENCY; next++) running.set(next, start(next))
      const { index, checked } = await Promise.race(running.values())
      running.delete(index)
      yield checked
    }
  } finally {
    await Promise.allSettled(running.values())
  }
}

/** What is said of the database as a whole is said once. */
function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const said = new Set<string>()
  return findings.filter(({ kind, message }) => {
    if (kind !== 'database_refused') return true
    const isNew = !said.has(message)
    said.add(message)
    return isNew
  })
}

function byName(a: Finding, b: Finding): number {
  if (a.path === undefined || b.path === undefined)
    return Number(a.path !== undefined) - Number(b.path !== undefined)
  return compareModuleVersions({ path: a.path, version: a.version! }, { path: b.path, version: b.version! })
}

function resultOf(findings: readonly Finding[], versions: Record<Status, number>): Result {
  if (findings.some(isDifference)) return 'differences'
  const { proven, agree, uncovered } = versions
  return findings.length > 0 || (uncovered > 0 && proven + agree === 0) ? 'not_compared' : 'agree'
}
