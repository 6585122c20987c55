import type { Readable } from 'node:stream'
import type { Config } from '../config/config.ts'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { ModsteadError } from '../errors.ts'
import type { ProcessObserver } from '../observe/create-observer.ts'
import type { Observer } from '../observe/observer.ts'
import type { ChecksumRecord } from '../proxy/checksums.ts'

/** Exit codes of every command. Only `verify` and `sumdb verify` have the last: nothing is wrong, as far as could be compared. */
export const EXIT = { ok: 0, failure: 1, usage: 2, notCompared: 3 } as const

/** A stream for people or programs. */
export interface Output {
  write(text: string): unknown
  /** It is a terminal. */
  isTTY?: boolean
  /** It shows colours, and the user wants them. */
  hasColors?(): boolean
}

/** What people or programs give. */
export type Input = Readable & {
  /** It is a terminal. */
  isTTY?: boolean
}

/** What a command knows of the process it runs in: nothing else of it is touched. */
export interface CommandContext {
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** The user's home folder. */
  home: string
  /** The user's name on this machine; behind sudo that of the person. */
  user: string
  /** What is typed or piped into it: opened when a command reads it. */
  stdin(): Input
  stdout: Output
  stderr: Output
  /** Signals and crashes: the process itself, or a stand-in. */
  events: ProcessEvents
  /** The version of modstead. */
  version: string
  start: StartServer
  /** Loads the wiring for commands that ask origins themselves. */
  load(): Promise<{ askModule: AskModule }>
  /** Loads the wiring for commands that ask checksum databases. */
  loadUpstream(): Promise<{ openUpstream: OpenUpstream }>
}

/** What `ask-upstream.ts` gives for `modstead sumdb verify --upstream`. Throws `config_invalid` for origins that cannot be opened. */
export type OpenUpstream = (options: {
  config: Config
  observer: Observer
  env: CommandContext['env']
}) => Promise<UpstreamRecords>

export interface UpstreamRecords {
  /**
   * The hashes that the checksum database of its route has for a version, verified by our own client; `undefined` where
   * the route is private or names no database, so that nobody is asked. Throws as `ChecksumDatabase.lookup`.
   */
  hashes(module: ModulePath, version: Version): Promise<ChecksumRecord | undefined>
  /** How many of the records were those that the mirror in the data folder keeps: nobody was asked for them now. */
  kept(): number
  close(): Promise<void>
}

/** What `main.ts` gives for `modstead origin test`. Throws `config_invalid` for origins that cannot be opened. */
export type AskModule = (options: {
  config: Config
  observer: Observer
  env: CommandContext['env']
  module: ModulePath
}) => Promise<ModuleReport>

/** How a module would be asked for, and what came of it. */
export interface ModuleReport {
  /** The patterns of its route. */
  modules: readonly string[]
  private: boolean
  /** Name of the upload origin of its route, where it has one. */
  upload?: string
  ends: 'off' | 'ourselves' | 'list'
  origins: readonly OriginReport[]
}

export interface OriginReport {
  name: string
  /** What the origin tells of the way to the module: names and values for people, without secrets. */
  facts: [what: string, said: string][]
  versions?: number
  newest?: string
  failure?: ModsteadError
}

/** The part of `process` that tells when to end. */
export interface ProcessEvents {
  on(event: string, listener: (...values: unknown[]) => void): unknown
  off(event: string, listener: (...values: unknown[]) => void): unknown
}

/** What `main.ts` gives: it wires the rooms and opens the listeners. Throws `ModsteadError` for a start that fails. */
export type StartServer = (options: StartOptions) => Promise<RunningServer>

export interface StartOptions {
  config: Config
  observer: ProcessObserver
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: CommandContext['env']
  version: string
}

export interface RunningServer {
  /** Really bound: `http://127.0.0.1:6637`, `https://[::1]:443` or `unix:/run/modstead.sock`. */
  addresses: readonly string[]
  /** Stops accepting, lets requests finish within the configured grace, and closes everything. */
  stop(): Promise<void>
  /** Reads again at once what may change while it runs. Never rejects. */
  reload?(): Promise<void>
}
