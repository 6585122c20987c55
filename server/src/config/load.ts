import { basename, dirname, resolve } from 'node:path'
import { ModsteadError } from '../errors.ts'
import { buildConfig } from './build.ts'
import type { Config } from './config.ts'
import type { BuildContext } from './context.ts'
import { describeFileError, isMissing } from './file-errors.ts'
import { deepFreeze } from './freeze.ts'
import { readGoEnvironment } from './go-environment.ts'
import { interpolateAll } from './interpolate.ts'
import { collectProblems, type KeyPath, type Place, type Problems } from './problems.ts'
import { type Environment, type Flags, type Override, readOverrides, unknownVariables } from './settings.ts'
import type { FileFacts } from './signer-key.ts'
import { pathSet, validate } from './validate.ts'
import type { YamlFile } from './yaml-file.ts'

/** What the configuration is made of, besides files: nothing here is read from the process itself. */
export interface LoadOptions {
  flags: Flags
  env: Environment
  /** Where relative paths of flags and variables start, and where `modstead.yaml` is looked for. */
  cwd: string
  /** The user's home folder. */
  home: string
  /** Default: that of this process. It decides where `go env -w` writes. */
  platform?: NodeJS.Platform
  /** Gives a file's text, or rejects as node:fs does. */
  readFile: (path: string) => Promise<string>
  /** What a file or folder is, symbolic links followed, or rejects as node:fs does. */
  stat: (path: string) => Promise<FileFacts>
  /** For commands that make a file which the configuration names: whether the one at this key may be missing. */
  mayBeMissing?: (path: KeyPath) => boolean
}

export interface LoadedConfig {
  /** Frozen all the way down. */
  config: Config
  /** What was used, most important first, each in words: `--listen`, `MODSTEAD_MEMORY`, `modstead.yaml (found here)`. */
  sources: string[]
  /** Sentences about what works but is most likely not meant. */
  warnings: string[]
}

/** The file that is used when it stands in the working folder and no other is named. */
export const DEFAULT_FILE = 'modstead.yaml'

/**
 * Makes the configuration: flags over `MODSTEAD_…` variables over the file over what `go` is set up to do over
 * defaults. Throws `config_invalid` with everything that is wrong, a line each, with file, line and column; no message
 * holds a secret.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const problems = collectProblems()
  const overrides = readOverrides(options.flags, options.env)
  const file = await readConfigFile(options, overrides, problems)
  const hidden = pathSet()
  const fileValue = interpolateAll(file?.yaml.value ?? {}, options.env, (path, result) => {
    hidden.add(path)
    for (const message of result.problems) problems.add(file!.yaml.placeOfValue(path), path, message)
  })
  const placeOf = (path: KeyPath, find: YamlFile['placeOfKey'] | undefined): Place =>
    placeOfOverride(overrides, path) ?? find?.(path) ?? { label: 'modstead', line: 0, column: 0 }
  const origins = {
    placeOfValue: (path: KeyPath) => placeOf(path, file?.yaml.placeOfValue),
    placeOfKey: (path: KeyPath) => placeOf(path, file?.yaml.placeOfKey),
    hidden: hidden.covers,
  }
  const parsed = validate(applyOverrides(fileValue, overrides), origins, problems)
  const warnings = unknownVariables(options.env)
  const inFile = (path: KeyPath) =>
    !placeOfOverride(overrides, path) && Object.hasOwn(file?.yaml.value ?? {}, path[0] ?? '')
  const platform = options.platform ?? process.platform
  const context: BuildContext = {
    ...options,
    platform,
    ...origins,
    problems,
    warn: (message) => warnings.push(message),
    folderOf: (path) => (file && inFile(path) ? file.folder : options.cwd),
  }
  const sources = overrides.filter(({ setting }) => setting.flag !== 'config').map(({ label }) => label)
  if (file) sources.push(file.source)
  const upstream = overrides.find(({ setting }) => setting.flag === 'upstream')
  const config = await buildConfig(context, parsed, {
    go: await readGoEnvironment({ ...options, platform }),
    originNames: Object.keys(file?.yaml.value.origins ?? {}),
    used: (source) => sources.push(source),
    ...(upstream && { upstream }),
  })
  problems.throwIfAny()
  return { config: deepFreeze(config), sources, warnings }
}

interface ConfigFile {
  yaml: YamlFile
  folder: string
  source: string
}

/** The file that is named, or `modstead.yaml` of the working folder if there is one. */
async function readConfigFile(
  { cwd, readFile }: LoadOptions,
  overrides: readonly Override[],
  problems: Problems,
): Promise<ConfigFile | undefined> {
  const named = overrides.find(({ setting }) => setting.flag === 'config')
  const path = resolve(cwd, named?.text ?? DEFAULT_FILE)
  let source: string
  try {
    source = await readFile(path)
  } catch (error) {
    if (!named && isMissing(error)) return undefined
    throw new ModsteadError(
      'config_invalid',
      `${named?.label ?? DEFAULT_FILE}: ${describeFileError(path, error)}`,
      {
        next: named
          ? 'Name a file that exists, or leave this out.'
          : 'Make it readable, or name another file with --config.',
        cause: error,
      },
    )
  }
  // The parser is not loaded where there is no file: most first starts.
  const { parseYamlFile } = await import('./yaml-file.ts')
  return {
    yaml: parseYamlFile(source, named?.text ?? basename(path), problems),
    folder: dirname(path),
    source: named ? `${named.text} (${named.label})` : `${DEFAULT_FILE} (found in this folder)`,
  }
}

/** The values of the file with those of flags and variables laid over them. */
function applyOverrides(file: unknown, overrides: readonly Override[]): unknown {
  const value = structuredClone(file) as Record<string, unknown>
  for (const { setting, text } of overrides) {
    if (!setting.path) continue
    const [last, ...folders] = setting.path.toReversed()
    let target = value
    for (const key of folders.toReversed()) {
      if (typeof target[key] !== 'object' || target[key] === null) target[key] = {}
      target = target[key] as Record<string, unknown>
    }
    target[last!] = setting.kind === 'boolean' && /^(true|false)$/.test(text) ? text === 'true' : text
  }
  return value
}

function placeOfOverride(overrides: readonly Override[], path: KeyPath): Place | undefined {
  const override = overrides.find(({ setting }) => setting.path?.every((key, index) => path[index] === key))
  return override && { label: override.label, line: 0, column: 0 }
}
