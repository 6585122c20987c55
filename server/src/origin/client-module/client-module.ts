import type { ModulePath } from '@modstead/gomod/path'
import { checkVersion, type Version } from '@modstead/gomod/version'
import { createModuleZip } from '@modstead/gomod/zip/create'
import { contentId, type SourceFile, sourcesOf } from './sources.ts'

/** The helper as a module version, made in memory. */
export interface ClientModule {
  version: Version
  info: Buffer
  goMod: Buffer
  zip: Buffer
  h1: string
}

/** The time in the helper's versions. It moves with releases of modstead; what tells versions apart is their content. */
const TIME = '2026-11-26T00:00:00Z'

/**
 * Makes the module `path` of the sources. A version is an immutable fact, and modstead may be upgraded to other sources
 * without another version of its own; so the version is derived from the contents, in the form of a pseudo-version,
 * which no list of versions has: `latest` is what this server has now, whatever stood there before.
 *
 *     v0.1.0-0.20261126000000-0123456789ab       before modstead 0.1.0 it would sort, with these contents
 *
 * `release` is the version of modstead.
 */
export async function makeClientModule(
  path: ModulePath,
  release: string,
  sources: readonly SourceFile[],
): Promise<ClientModule> {
  const files = sourcesOf(path, sources)
  const version = checkVersion(path, versionOf(release, contentId(files)))
  const chunks: Uint8Array[] = []
  const { h1, goMod } = await createModuleZip(
    {
      path,
      version,
      files: files.map((file) => ({
        path: file.path,
        kind: 'regular',
        size: file.contents.length,
        open: () => file.contents,
      })),
    },
    (chunk) => void chunks.push(chunk.slice()),
  )
  return {
    version,
    h1,
    info: Buffer.from(JSON.stringify({ Version: version, Time: TIME })),
    goMod: Buffer.from(goMod!),
    zip: Buffer.concat(chunks),
  }
}

function versionOf(release: string, id: string): string {
  const timestamp = TIME.replaceAll(/\D/g, '')
  const [core = '', pre] = release.replace(/\+.*$/, '').split(/-(.*)/)
  return `v${core}-${pre === undefined ? '' : `${pre}.`}0.${timestamp}-${id}`
}
