import { GomodError } from '@modstead/gomod/error'
import { parseGoMod } from '@modstead/gomod/modfile/parse'
import { build, compare, prerelease } from '@modstead/gomod/semver'
import type { Asked } from './code.ts'
import { findModuleFolder } from './module-folder.ts'
import { isAbsence } from '../../../errors.ts'
import { listVersions, tagForVersion } from './versions.ts'

/**
 * Which versions a module has retracted: its newest release says so in its go.mod. Where that cannot be read, none.
 * The rule is that of codeRepo.retractedVersions in cmd/go.
 */
export async function retractedVersions(asked: Asked): Promise<(version: string) => boolean> {
  const list = (await listVersions(asked)).filter(({ version }) => build(version) !== '+incompatible')
  const newest = list.findLast(({ version }) => prerelease(version) === '') ?? list.at(-1)
  if (newest === undefined) return () => false
  const intervals = await intervalsIn(asked, newest.version, newest.hash)
  return (version) =>
    intervals.some(({ low, high }) => compare(low, version) <= 0 && compare(version, high) <= 0)
}

async function intervalsIn(
  asked: Asked,
  version: string,
  hash: string,
): Promise<readonly { low: string; high: string }[]> {
  const { code, module } = asked
  try {
    const commit = await code.commit(hash, `refs/tags/${tagForVersion(version, asked)}`)
    if (commit === undefined) return []
    const { goMod } = await findModuleFolder(code, module, commit.hash, version)
    return goMod === undefined ? [] : parseGoMod(goMod.toString('utf8'), { mode: 'lax' }).retract
  } catch (error) {
    // A go.mod that cannot be found or read retracts nothing, for `go` as well.
    if (error instanceof GomodError || isAbsence(error)) return []
    throw error
  }
}
