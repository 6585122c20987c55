import type { Config } from '../config/config.ts'
import type { ProcessObserver } from '../observe/create-observer.ts'

/** Exit codes of every command. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const

/** A stream for people or programs. */
export interface Output {
  write(text: string): unknown
  /** It is a terminal. */
  isTTY?: boolean
  /** It shows colours, and the user wants them. */
  hasColors?(): boolean
}

/** What a command knows of the process it runs in: nothing else of it is touched. */
export interface CommandContext {
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** The user's home folder. */
  home: string
  stdout: Output
  stderr: Output
  /** Signals and crashes: the process itself, or a stand-in. */
  events: ProcessEvents
  /** The version of modstead. */
  version: string
  start: StartServer
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
}
