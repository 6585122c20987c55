import { createHash } from 'node:crypto'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { GomodError } from '@modstead/gomod/error'
import { parseGoMod } from '@modstead/gomod/modfile/parse'
import { autoQuote } from '@modstead/gomod/modfile/quoting'
import { type ModulePath, splitPathVersion } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { MAX_ZIP_FILE } from '@modstead/gomod/zip/limits'
import { ModsteadError } from '../errors.ts'
import type { Spool } from './store.ts'
import type { ZipChecker } from './zip-checker.ts'

/** A module zip that somebody sends. */
export interface Upload {
  module: ModulePath
  version: Version
  /** Its bytes. Whoever takes the upload reads them once, or not at all. */
  chunks: AsyncIterable<Buffer>
  /** Bytes, where they were announced. */
  size?: number
  /** Hex SHA-256 that its bytes must have, where the sender said so. */
  sha256?: string
}

/** An upload that is a valid module zip of the version it was sent for. */
export interface ReadUpload {
  spool: Spool
  /** Hex SHA-256 of the zip's bytes. */
  sha256: string
  h1: string
  /** The go.mod in it, or what `go` takes for it where it has none. */
  goMod: Buffer
  goModH1: string
}

/**
 * Writes an upload to the spool and checks all that can be checked of it alone. Throws `payload_too_large`, `bad_zip` with the
 * rule that is broken, `bad_request` for bytes that are not those announced, and what `chunks` throws.
 */
export async function readUpload(
  upload: Upload,
  { spool, checker, limit = MAX_ZIP_FILE }: { spool: Spool; checker: ZipChecker; limit?: number },
): Promise<ReadUpload> {
  const { module, version } = upload
  if (upload.size !== undefined && upload.size > limit) throw tooLarge(limit)
  const digest = createHash('sha256')
  for await (const chunk of upload.chunks) {
    if (spool.size + chunk.length > limit) throw tooLarge(limit)
    digest.update(chunk)
    await spool.append(chunk)
  }
  const sha256 = digest.digest('hex')
  if (upload.size !== undefined && spool.size !== upload.size)
    throw new ModsteadError('bad_request', `${spool.size} of ${upload.size} bytes arrived`)
  if (upload.sha256 !== undefined && upload.sha256 !== sha256)
    throw new ModsteadError('bad_request', 'what arrived has another SHA-256 than its Content-Digest says')
  const { path, size } = spool
  const { h1, goMod } = await checker
    .inspect({ path, size, module, version, source: 'the request', urgency: { priority: 'client' } })
    .catch((error: unknown) => {
      if (!(error instanceof ModsteadError) || error.code !== 'upstream_invalid') throw error
      throw new ModsteadError('bad_zip', error.message)
    })
  const mod = Buffer.from(goMod ?? madeUpGoMod(module))
  checkGoMod(module, version, goMod)
  return { spool, sha256, h1, goMod: mod, goModH1: hashGoMod(mod) }
}

/** What `go` takes for the go.mod of a version that has none. */
function madeUpGoMod(module: ModulePath): string {
  return `module ${autoQuote(module)}\n`
}

/**
 * The go.mod of what is published must be one that `go` can use under this path: other proxies may serve forks that
 * keep their old path, but nobody publishes one on purpose. The rules of majors are those of `go` for repositories.
 */
function checkGoMod(module: ModulePath, version: Version, goMod: Uint8Array | undefined): void {
  const name = `${module}@${version}`
  const incompatible = version.endsWith('+incompatible')
  if (goMod === undefined) {
    const { pathMajor = '' } = splitPathVersion(module) ?? {}
    if (pathMajor.startsWith('/'))
      throw new ModsteadError(
        'bad_zip',
        `the zip of ${name} has no go.mod, which a path with ${pathMajor} needs`,
      )
    return
  }
  if (incompatible)
    throw new ModsteadError('bad_zip', `the zip of ${name} has a go.mod, which no +incompatible version has`)
  const declared = declaredPath(name, goMod)
  if (declared !== module)
    throw new ModsteadError(
      'bad_zip',
      declared === undefined
        ? `the go.mod in the zip of ${name} declares no module`
        : `the go.mod in the zip of ${name} declares ${declared}`,
      { next: `it must say: module ${autoQuote(module)}` },
    )
}

function declaredPath(name: string, goMod: Uint8Array): string | undefined {
  try {
    return parseGoMod(new TextDecoder().decode(goMod), { mode: 'lax' }).module?.path
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError('bad_zip', `the go.mod in the zip of ${name} cannot be read: ${error.message}`)
  }
}

function tooLarge(limit: number): ModsteadError {
  return new ModsteadError('payload_too_large', `the zip is larger than ${limit} bytes, which is the most`, {
    next: 'take large files out of the module',
  })
}
