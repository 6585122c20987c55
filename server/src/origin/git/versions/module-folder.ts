import { modulePathOf } from '@modstead/gomod/modfile/module-path'
import { pathMajorPrefix, splitPathVersion } from '@modstead/gomod/path'
import { major } from '@modstead/gomod/semver'
import { ModsteadError } from '../../../errors.ts'
import type { Code, ModuleLocation } from './code.ts'

/** The folder of a commit that holds a module, and its go.mod where it has one. */
export interface ModuleFolder {
  /** Without slashes at its ends; `''` is the root of the repository. */
  folder: string
  goMod: Buffer | undefined
}

/**
 * Finds the folder of a module in a commit: that of its path or, for a path that ends in /vN, the folder vN in it.
 * Exactly one of the two must have a go.mod with that major version; none is needed at the root for v0, v1 and gopkg.in.
 * Of the path in the go.mod only the major version counts, for a fork may be used through `replace`.
 *
 * Throws `not_found` with the reason. The rule is that of codeRepo.findDir in cmd/go.
 */
export async function findModuleFolder(
  code: Code,
  module: ModuleLocation,
  hash: string,
  version: string,
): Promise<ModuleFolder> {
  const { folder, path, pathMajor, root } = module
  const hasSubfolder = pathMajor.startsWith('/') && root !== path
  const own = below(folder, 'go.mod')
  const subfolder = below(folder, pathMajor.slice(1))
  const sub = below(subfolder, 'go.mod')
  const [ownFile, subFile] = await code.read(hash, hasSubfolder ? [own, sub] : [own])
  const ownPath = declared(ownFile)
  const isOwn =
    ownFile !== undefined && (fitsMajor(ownPath, pathMajor) || replacesGopkgIn(ownPath, pathMajor))

  if (subFile !== undefined) {
    const subPath = declared(subFile)
    const isSub = fitsMajor(subPath, pathMajor)
    if (isOwn && isSub)
      throw absent(module, version, `${own} and ${sub} both declare a path with ${pathMajor}`)
    if (isSub) return { folder: subfolder, goMod: subFile }
    throw absent(module, version, misfit(sub, subPath, module, version))
  }
  if (isOwn) return { folder, goMod: ownFile }
  if (ownFile !== undefined) {
    const nor = hasSubfolder ? `, and there is no ${sub}` : ''
    throw absent(module, version, `${misfit(own, ownPath, module, version)}${nor}`)
  }
  if (folder === '' && (pathMajor === '' || pathMajor.startsWith('.'))) return { folder, goMod: undefined }
  throw absent(module, version, `there is no ${own}${hasSubfolder ? ` and no ${sub}` : ''}`)
}

function misfit(
  file: string,
  declared: string,
  { path, pathMajor }: ModuleLocation,
  version: string,
): string {
  if (declared === '') return `${file} declares no module, and needs the line "module ${path}"`
  const wrong = pathMajor === '' ? `which is not for ${major(version)}` : `not a path with ${pathMajor}`
  return `${file} declares ${declared}, ${wrong}`
}

function absent({ path }: ModuleLocation, version: string, reason: string): ModsteadError {
  return new ModsteadError('not_found', `${path}@${version} is no module version: ${reason}`)
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function declared(goMod: Buffer | undefined): string {
  return (goMod && modulePathOf(goMod)) ?? ''
}

/** Whether the versions that `path` may have are those of a module whose path ends in `pathMajor` (cmd/go: isMajor). */
function fitsMajor(path: string, pathMajor: string): boolean {
  const split = path === '' ? undefined : splitPathVersion(path)
  if (split === undefined) return false
  if (pathMajor === '') return ['', 'v0', 'v1'].includes(pathMajorPrefix(split.pathMajor))
  return split.pathMajor !== '' && split.pathMajor.slice(1) === pathMajor.slice(1)
}

/** `go` once took plain paths as replacements of gopkg.in ones, and has to go on doing so (go.dev/issue/34254). */
function replacesGopkgIn(path: string, pathMajor: string): boolean {
  return pathMajor === '' && path.startsWith('gopkg.in/')
}
