import { escapePath, type ModulePath } from '@modstead/gomod/path'
import { escapeVersion, isQuery, type Version } from '@modstead/gomod/version'
import type { GoproxyOriginConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type {
  GoModFile,
  InfoFile,
  Origin,
  OriginOptions,
  RenewOptions,
  VersionList,
  ZipSource,
} from '../proxy/origin.ts'
import { parseInfo } from '../proxy/info-file.ts'
import { htmlAnswer } from './body.ts'
import { createDiskTree } from './disk-tree.ts'
import { failure } from './failures.ts'
import type { FileTree, ReadOptions, SmallFile } from './file-tree.ts'
import { createHttpTree } from './http-tree.ts'
import { createMeter } from './meter.ts'
import type { Outside } from './outside.ts'
import type { RequesterOptions } from './requester.ts'
import { parseList } from './version-list.ts'

/** Another module proxy. */
export interface GoproxyOrigin extends Origin {
  /** Its files, for what is asked of it besides modules: the records of checksum databases. */
  readonly tree: FileTree
}

/**
 * The module proxy at `config.url`: `https:`, `http:` or `file:`. Throws `config_invalid` for another URL, and for
 * credentials and certificates that cannot be used.
 */
export function createGoproxyOrigin(
  config: GoproxyOriginConfig,
  outside: Outside,
  trust: Pick<RequesterOptions, 'onAStrangersWord'> = {},
): GoproxyOrigin {
  const { name, limits } = config
  const tree = createTree(config, outside, trust)
  const meter = createMeter(outside.observer, name)

  /** A text file. No text of the protocol starts with `<`, but web pages do, whatever they are declared to be. */
  async function readText(path: string, options: ReadOptions): Promise<SmallFile | 'unchanged'> {
    const file = await tree.read(path, options)
    if (file === 'unchanged') return file
    meter.received(options.priority, file.bytes.length)
    if (/^\ufeff?\s*</.test(file.bytes.subarray(0, 64).toString())) throw htmlAnswer(tree.peer)
    return file
  }

  async function versions(module: ModulePath, options: RenewOptions): Promise<VersionList | 'unchanged'> {
    const file = await readText(`${escapePath(module)}/@v/list`, { ...options, limit: limits.list })
    if (file === 'unchanged') return file
    const versions = parseList(file.bytes.toString('utf8'))
    return file.validators === undefined ? { versions } : { versions, validators: file.validators }
  }

  async function resolve(
    module: ModulePath,
    query: string,
    options: RenewOptions,
  ): Promise<InfoFile | 'unchanged'> {
    const endpoint = query === 'latest' ? '@latest' : `@v/${escapedQuery(query)}.info`
    const file = await readText(`${escapePath(module)}/${endpoint}`, { ...options, limit: limits.info })
    if (file === 'unchanged') return file
    const info = parseInfo(module, query, file.bytes)
    if ('problem' in info) throw failure('upstream_invalid', tree.peer, `sent an .info file ${info.problem}`)
    return { ...file, ...info }
  }

  async function goMod(module: ModulePath, version: Version, options: OriginOptions): Promise<GoModFile> {
    const path = `${escapePath(module)}/@v/${escapeVersion(version)}.mod`
    const file = await readText(path, { ...options, limit: limits.mod })
    if (file === 'unchanged') throw new ModsteadError('internal', 'a go.mod was asked for with a condition')
    return { bytes: file.bytes }
  }

  async function zip(module: ModulePath, version: Version, options: OriginOptions): Promise<ZipSource> {
    const path = `${escapePath(module)}/@v/${escapeVersion(version)}.zip`
    const source = await tree.stream(path, { ...options, limit: limits.zip })
    return { ...source, chunks: meter.counted(options.priority, source.chunks) }
  }

  return {
    name,
    speculative: true,
    tree,
    versions: (module, options) => meter.asked('list', versions(module, options)),
    resolve: (module, query, options) => meter.asked('info', resolve(module, query, options)),
    goMod: (module, version, options) => meter.asked('mod', goMod(module, version, options)),
    zip: (module, version, options) => meter.asked('zip', zip(module, version, options)),
    close: () => tree.close(),
  }
}

function createTree(
  config: GoproxyOriginConfig,
  outside: Outside,
  trust: Pick<RequesterOptions, 'onAStrangersWord'>,
): FileTree {
  const { name, timeouts } = config
  const role = { kind: 'origin', name } as const
  const url = URL.parse(config.url)
  switch (url?.protocol) {
    case 'file:':
      return createDiskTree({ role, url, timeouts })
    case 'http:':
    case 'https:':
      return createHttpTree({ ...config, ...trust, role, url, outside })
    case undefined:
    default:
      throw new ModsteadError('config_invalid', `the URL of origin ${name} is not an https, http or file URL`)
  }
}

function escapedQuery(query: string): string {
  if (isQuery(query)) return escapeVersion(query)
  throw new ModsteadError('bad_version', 'this cannot be the name of a version, branch, tag or commit')
}
