import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { GomodError } from '@modstead/gomod/error'
import { modulePathOf } from '@modstead/gomod/modfile/module-path'
import { checkPath, escapePath, splitPathVersion } from '@modstead/gomod/path'
import { major } from '@modstead/gomod/semver'
import { canonicalVersion, checkVersion, escapeVersion, isCanonicalFor } from '@modstead/gomod/version'
import {
  checkModuleFiles,
  createModuleZip,
  type CreatedModuleZip,
  type ModuleFile,
} from '@modstead/gomod/zip/create'
import { goVersionOf } from '@modstead/gomod/zip/go-version'
import { ModsteadError } from '../errors.ts'
import { type CommandContext, EXIT } from './context.ts'
import { askRemote, type RemoteFlags } from './remote.ts'
import { uncommittedFiles } from './uncommitted.ts'
import { readWorkingTree, type WorkingTree } from './working-tree.ts'

export interface PublishFlags extends Partial<RemoteFlags> {
  version: string
  /** Default: what the go.mod declares. */
  module?: string
  allowDirty?: boolean
  dryRun?: boolean
}

/** Files that a message names at most. */
const NAMED = 5

/** `modstead publish`: makes the zip of a version from a folder, by the rules of `go`, and sends it to a modstead. */
export async function publish(folder: string, flags: PublishFlags, context: CommandContext): Promise<number> {
  const { to } = flags
  if (to === undefined && flags.dryRun !== true)
    throw new ModsteadError('config_invalid', 'publish needs --to, the address of a modstead', {
      next: 'with --dry-run the zip is only made and checked',
    })
  const root = resolve(context.cwd, folder)
  const { own, license } = await readFolder(root)
  const files = license === undefined ? own : [...own, license]
  const name = await nameOf(files, flags)
  if (flags.allowDirty !== true) await refuseUncommitted(root, own, context)
  const temporary = await mkdtemp(join(tmpdir(), 'modstead-publish-'))
  try {
    const zip = join(temporary, 'module.zip')
    const { made, sha256 } = await makeZip(zip, name, files)
    sayOmitted(made, context)
    if (to === undefined || flags.dryRun === true) {
      context.stdout.write(
        `${name.path}@${name.version} ${made.h1}\n${made.files} files, ${made.zipSize} bytes\n`,
      )
      return EXIT.ok
    }
    const answer = await askRemote(
      { ...flags, to },
      {
        method: 'PUT',
        path: `/${escapePath(name.path)}/@v/${escapeVersion(name.version)}.zip`,
        headers: {
          'Content-Type': 'application/zip',
          'Content-Digest': `sha-256=:${sha256.toString('base64')}:`,
        },
        body: { size: made.zipSize, open: () => createReadStream(zip, { highWaterMark: 1 << 18 }) },
      },
      context,
    )
    context.stdout.write(answer)
    return EXIT.ok
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function readFolder(root: string): Promise<WorkingTree> {
  try {
    return await readWorkingTree(root)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new ModsteadError('bad_request', `the folder ${root} cannot be read (${code ?? message})`, {
      cause,
    })
  }
}

async function nameOf(
  files: readonly ModuleFile[],
  { module, version }: PublishFlags,
): Promise<{ path: string; version: string }> {
  const declared = await declaredPath(files)
  const path = module ?? declared
  if (path === undefined)
    throw new ModsteadError('config_invalid', 'the folder has no go.mod that declares a module', {
      next: 'publish the folder that holds the go.mod, or name the module with --module',
    })
  if (declared !== undefined && declared !== path)
    throw new ModsteadError('config_invalid', `--module says ${path}, and the go.mod declares ${declared}`)
  try {
    return { path: checkPath(path), version: checkVersion(path, version) }
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    const next = suffixAdvice(path, version) ?? 'a version looks like v1.2.3'
    throw new ModsteadError('config_invalid', error.message, { next })
  }
}

/** What to write where only the end of the module path keeps it from having this version. */
function suffixAdvice(path: string, version: string): string | undefined {
  if (canonicalVersion(version) !== version || version.includes('+')) return undefined
  const split = splitPathVersion(path)
  const number = major(version)
  if (split === undefined || isCanonicalFor(path, version) || split.pathMajor.startsWith('.'))
    return undefined
  const wanted = ['v0', 'v1'].includes(number) ? split.prefix : `${split.prefix}/${number}`
  return `for ${number} the module path must be ${wanted}: change the module line of the go.mod`
}

async function declaredPath(files: readonly ModuleFile[]): Promise<string | undefined> {
  const bytes = await goModOf(files)
  return bytes && modulePathOf(bytes)
}

async function goModOf(files: readonly ModuleFile[]): Promise<Uint8Array | undefined> {
  const file = files.find(({ path, kind }) => path === 'go.mod' && kind === 'regular')
  const contents = await file?.open()
  return contents instanceof Uint8Array ? contents : undefined
}

/** A published version cannot be taken back: what nobody committed gets into one only when that is said. */
async function refuseUncommitted(
  root: string,
  files: readonly ModuleFile[],
  { env }: CommandContext,
): Promise<void> {
  const goMod = await goModOf(files)
  const { valid } = checkModuleFiles(files, { goVersion: goMod && goVersionOf(goMod), fromDirectory: true })
  const found = await uncommittedFiles(
    root,
    valid.map(({ path }) => path),
    env,
  )
  if (found.length === 0) return
  const named = found.slice(0, NAMED).map((path) => JSON.stringify(path))
  const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : ''
  throw new ModsteadError(
    'bad_request',
    `these files are not committed as they are: ${named.join(', ')}${more}`,
    {
      next: 'commit or remove them, or publish them all the same with --allow-dirty',
    },
  )
}

function sayOmitted({ omitted }: CreatedModuleZip, { stderr }: CommandContext): void {
  for (const { path, message } of omitted.slice(0, NAMED))
    stderr.write(`left out: ${JSON.stringify(path)}: ${message}\n`)
  if (omitted.length > NAMED) stderr.write(`left out: ${omitted.length - NAMED} more\n`)
}

async function makeZip(
  path: string,
  name: { path: string; version: string },
  files: readonly ModuleFile[],
): Promise<{ made: CreatedModuleZip; sha256: Buffer }> {
  const file = openSync(path, 'wx', 0o600)
  const digest = createHash('sha256')
  try {
    const made = await createModuleZip({ ...name, files, fromDirectory: true }, (chunk) => {
      digest.update(chunk)
      for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at)
    })
    return { made, sha256: digest.digest() }
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError('bad_zip', `this folder cannot be a module zip: ${error.message}`)
  } finally {
    closeSync(file)
  }
}
