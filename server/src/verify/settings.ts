import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { buildChecksumDatabases } from '../config/checksums.ts'
import type { SumdbConfig } from '../config/config.ts'
import { readGoEnvironment, readGoFolders, readGoSettings } from '../config/go-environment.ts'
import type { ProxyUrl } from '../config/goproxy-list.ts'
import type { Environment } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { findNetrc, readAddress, readProxyList } from './outward.ts'
import { createPrivacy, type Privacy } from './privacy.ts'

export interface VerifyFlags {
  /** A go.sum, or a folder that has one; default: the folder where the command runs. */
  target?: string
  /** Every version in the module cache, too. */
  cache?: boolean
  /** Nothing is asked over the network. */
  offline?: boolean
  /** Files of a proxy are downloaded and compared, also of versions that the database proves. */
  download?: boolean
  /** Address of a modstead. */
  to?: string
  /** A checksum database, as in GOSUMDB, that private names may be sent to. */
  sumdb?: string
}

/** The machine that `go` runs on. */
export interface GoMachine {
  env: Environment
  cwd: string
  /** The user's home folder. */
  home: string
  platform: NodeJS.Platform
}

export interface VerifySettings {
  /** GOMODCACHE. */
  cache: string
  /** Where `go` keeps the signed heads of checksum databases. */
  heads: string
  database?: SumdbConfig
  privacy: Privacy
  /** What `--to` names. */
  to?: ProxyUrl
  /** Those of GOPROXY, in its order. */
  proxies: ProxyUrl[]
  /** Whose files are compared, if any: the first of GOPROXY where nothing else is named. */
  compared?: { proxy: ProxyUrl; always: boolean; trusted: boolean }
  /** Why nothing is asked over the network, if so. */
  offline?: string
  /** The file with the passwords that `go` shows to proxies, if there is one. */
  netrc?: string
}

/** Reads the flags, and the settings of `go` as `go` reads them. Throws `config_invalid`. */
export async function readSettings(flags: VerifyFlags, machine: GoMachine): Promise<VerifySettings> {
  const options = { ...machine, readFile: (path: string) => readFile(path, 'utf8') }
  const go = await readGoEnvironment(options)
  const { GOPRIVATE } = await readGoSettings(['GOPRIVATE'], options)
  const { GOMODCACHE, GOPATH } = await readGoFolders(options)
  if (!isAbsolute(GOMODCACHE.value))
    throw new ModsteadError('config_invalid', 'GOMODCACHE is not an absolute path', {
      next: 'see "go env GOMODCACHE"',
    })
  const database = databaseIn(
    flags.sumdb ?? go.GOSUMDB.value,
    flags.sumdb === undefined ? 'GOSUMDB' : '--sumdb',
  )
  const to = flags.to === undefined ? undefined : readAddress(flags.to)
  const { proxies, off } = readProxyList(go.GOPROXY.value)
  const offline = offlineReason(flags, off && to === undefined && database?.url === undefined)
  const [first] = proxies
  const compared =
    to !== undefined
      ? { proxy: to, always: flags.download === true, trusted: true }
      : first !== undefined && flags.download
        ? { proxy: first, always: true, trusted: false }
        : undefined
  if (flags.download && compared === undefined)
    throw new ModsteadError('config_invalid', '--download: GOPROXY names no proxy to download from', {
      next: 'name one with --to',
    })
  const netrc = await findNetrc(machine)
  return {
    cache: GOMODCACHE.value,
    heads: join(GOPATH.value, 'pkg', 'sumdb'),
    ...(database && { database }),
    privacy: createPrivacy({
      goPrivate: GOPRIVATE?.value ?? '',
      goNoProxy: go.GONOPROXY.value,
      goNoSumdb: go.GONOSUMDB.value,
      ...(database && { database: database.name }),
      named: flags.sumdb !== undefined,
    }),
    ...(to && { to }),
    proxies,
    ...(compared && offline === undefined && { compared }),
    ...(offline !== undefined && { offline }),
    ...(netrc !== undefined && { netrc }),
  }
}

function offlineReason({ offline, download, to }: VerifyFlags, isOff: boolean): string | undefined {
  if (offline && (download || to !== undefined))
    throw new ModsteadError('config_invalid', '--offline asks nobody: --to and --download contradict it', {
      next: 'leave one of them out',
    })
  if (offline) return '--offline: only what `go` has kept of the database counts, and that is not enough'
  return isOff ? 'GOPROXY is off' : undefined
}

function databaseIn(text: string, source: string): SumdbConfig | undefined {
  const { databases, problems } = buildChecksumDatabases([text])
  const [problem] = problems
  if (problem === undefined) return databases[0]
  throw new ModsteadError('config_invalid', `${source}: ${problem.message}`, {
    next: 'see "go help environment"; a key looks like sum.corp.example+0a1b2c3d+…',
  })
}
