import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GomodError } from '@modstead/gomod/error'
import { parseVerifierKey, type Verifier, verifierKeyOf } from '@modstead/gomod/note'
import { readSqliteLog } from '../../catalog/sqlite-log-file.ts'
import type { Config } from '../../config/config.ts'
import type { Flags } from '../../config/settings.ts'
import { ModsteadError } from '../../errors.ts'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import { type LogFiles, logFiles } from '../../store/log-files.ts'
import type { HighWaterMark } from '../../sumdb/log/high-water.ts'
import type { LogReader } from '../../sumdb/log/storage.ts'
import type { CommandContext } from '../context.ts'
import { readConfig } from '../read-config.ts'

export interface LocalLogFlags {
  /** Those of the configuration. */
  settings: Flags
  /** Verifier key, in place of those of the configuration. */
  key?: string
}

/** A checksum log in a data folder, as commands find it. */
export interface LocalLog {
  /** The data folder, absolute. */
  data: string
  files: LogFiles
  /** Absent where the configuration cannot be read, so that only the folder is known. */
  config?: Config
  /** The verifier key of today; absent where no key is at hand. */
  key?: string
  /** That key's and those of the keys before it. */
  verifiers: readonly Verifier[]
  /** What people should know of how it was found. */
  notes: string[]
}

/** One whose key is at hand. */
export type KnownLog = LocalLog & { name: string; key: string }

/**
 * Finds the log that the configuration names. Where that cannot be read, for instance because its key file is for
 * modstead's user only, `--data-dir` says where the log is, and `--key` whose it is. Throws `config_invalid`.
 */
export async function findLog({ settings, key }: LocalLogFlags, context: CommandContext): Promise<LocalLog> {
  const given = key === undefined ? undefined : parseKey(key)
  const config = await configOf(settings, context)
  if (!('config' in config)) {
    const data = resolve(context.cwd, config.data)
    return {
      data,
      files: logFiles(data, {}),
      ...(key !== undefined && { key }),
      verifiers: given === undefined ? [] : [given],
      notes: [config.note],
    }
  }
  const { checksumLog, dataDir } = config.config
  const signers = checksumLog === undefined ? [] : [checksumLog.key, ...checksumLog.previousKeys]
  const known = key ?? checksumLog?.verifierKey
  return {
    data: dataDir,
    files: logFiles(dataDir, { highWater: checksumLog?.highWater }),
    config: config.config,
    ...(known !== undefined && { key: known }),
    verifiers: given === undefined ? signers.map(verifierKeyOf).map(parseVerifierKey) : [given],
    notes: known === undefined ? [NO_KEY] : [],
  }
}

/** As `findLog`, for commands that trust nothing without a key. Throws `config_invalid` where there is none. */
export async function findKnownLog(flags: LocalLogFlags, context: CommandContext): Promise<KnownLog> {
  const log = await findLog(flags, context)
  const { key } = log
  if (key !== undefined) return { ...log, key, name: log.verifiers[0]!.name }
  throw new ModsteadError('config_invalid', 'no key says whose log this is', {
    next: 'name the configuration that has checksumLog with --config, or the verifier key with --key',
  })
}

/** Opens it beside its server. Throws `not_found` where there is no log in the folder. */
export async function openLocalLog({ data, files }: LocalLog): Promise<LogReader> {
  if (await isThere(files.database)) return readSqliteLog(files.database)
  throw new ModsteadError('not_found', `the data folder ${data} has no checksum log`, {
    next: 'name another folder with --data-dir, or the configuration of that modstead with --config',
  })
}

/** Where the mark may be elsewhere, for the configuration is not known, and is not beside the log, there is none. */
export async function markOf({ files, config }: LocalLog): Promise<HighWaterMark | undefined> {
  const isKnown = config?.checksumLog !== undefined || (await isThere(files.highWater))
  return isKnown ? openHighWaterFile(files.highWater) : undefined
}

async function configOf(
  flags: Flags,
  context: CommandContext,
): Promise<{ config: Config } | { data: string; note: string }> {
  try {
    return { config: (await readConfig(context, flags)).config }
  } catch (error) {
    if (!(error instanceof ModsteadError) || error.code !== 'config_invalid') throw error
    if (flags.dataDir !== undefined)
      return { data: flags.dataDir, note: `the configuration is not used: ${error.message.trim()}` }
    throw new ModsteadError('config_invalid', error.message, {
      cause: error,
      next: `${error.next === undefined ? '' : `${error.next} `}Or name the folder itself with --data-dir, and the verifier key with --key.`,
    })
  }
}

function parseKey(key: string): Verifier {
  try {
    return parseVerifierKey(key)
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError('config_invalid', `--key: ${error.message}`, {
      next: 'write the verifier key that clients have in GOSUMDB: name+hash+base64',
    })
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

const NO_KEY =
  'no checksumLog is configured here: signatures are not verified; name the verifier key with --key'
