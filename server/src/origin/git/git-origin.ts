import { autoQuote } from '@modstead/gomod/modfile/quoting'
import type { ModulePath } from '@modstead/gomod/path'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'
import { LRUCache } from 'lru-cache'
import { atMost } from '../../proxy/at-most.ts'
import type { GitOriginConfig } from '../../config/config.ts'
import { isAbsence, ModsteadError } from '../../errors.ts'
import type { Observer } from '../../observe/observer.ts'
import type {
  ExactOptions,
  GoModFile,
  InfoFile,
  Origin,
  OriginOptions,
  RenewOptions,
  ResolveOptions,
  VersionList,
  ZipSource,
} from '../../proxy/origin.ts'
import { createMeter } from '../meter.ts'
import type { CloneBounds } from './clones/clone.ts'
import type { Clones } from './clones/clones.ts'
import type { Asked, ModuleLocation } from './versions/code.ts'
import { formatInfo, formatTime } from './versions/info.ts'
import { locate } from './versions/location.ts'
import { modulesIn } from './versions/modules-in.ts'
import { findModuleFolder } from './versions/module-folder.ts'
import type { KnownRepository } from './pushes.ts'
import type { Remote } from './wire/remote.ts'
import type { Repository } from './clones/repository.ts'
import { resolveRevision, type Resolved } from './versions/resolve.ts'
import { findHead, findRevision, revisionAt } from './versions/revision.ts'
import { listVersions } from './versions/versions.ts'
import type { ZipBuilder } from './zips/zip-builder.ts'

/** Where the repository of a module is, or the module proxy that has it instead. */
export type Found = Place | { proxy: Origin }

export interface Place {
  /** What its root (or its folder `subdirectory`) is called: the module path or a prefix of it. */
  root: string
  subdirectory: string
  remote: Remote
}

/** An origin of repositories. */
export interface GitOrigin extends Origin {
  modulesIn(module: ModulePath, options: OriginOptions): Promise<ModulePath[]>
  /** The repositories that modules were asked of, for whoever hears that one has changed. */
  repositories(): Iterable<KnownRepository>
}

export interface GitOriginOptions {
  name: string
  /** Throws `not_found` where no repository can hold the module, and `upstream_…`. */
  find(module: ModulePath, options: OriginOptions): Promise<Found>
  clones: Clones
  bounds: CloneBounds
  /** Bytes of a go.mod, and of a zip and what is in it. */
  limits: Pick<GitOriginConfig['limits'], 'mod' | 'zip'>
  builder: ZipBuilder
  observer: Observer
  /** Ends what `find` uses. */
  close(): Promise<void>
}

/**
 * How long the names of a repository hold for a question about one version, which hardly ever changes. A version that
 * is not among them is looked for anew. Milliseconds.
 */
const NAMES_HOLD = 60_000

/** Repositories of which is remembered which modules they have. */
const MOST_KNOWN = 10_000

/** Module versions from git repositories, as `go` would make them with GOPROXY=direct. */
export function createGitOrigin(options: GitOriginOptions): GitOrigin {
  const { name, find, clones, bounds, limits, builder, observer, close } = options
  const meter = createMeter(observer, name)

  /** Modules by the repository they were found in. */
  const known = new LRUCache<string, Known>({ ...atMost(MOST_KNOWN) })

  /** There is such a module there: worth a look when the repository changes. */
  function note(module: ModulePath, { remote, root }: Place): void {
    const { modules } = known.get(remote.key) ?? { modules: new Set<ModulePath>() }
    modules.add(module)
    known.set(remote.key, { remote, root, modules })
  }

  /** Opens the repository of a module for as long as `work` needs it. */
  function open<T>(module: ModulePath, place: Place, work: (opened: Opened) => Promise<T>): Promise<T> {
    const { root, subdirectory, remote } = place
    const location = locate(module, root, subdirectory)
    builder.prepare()
    return clones.use(remote, bounds, (code) => work({ code, module: location }))
  }

  async function* explain(module: ModulePath, options: OriginOptions): AsyncGenerator<[string, string]> {
    const found = await find(module, options)
    if ('proxy' in found) {
      yield ['module proxy', found.proxy.name]
      return
    }
    const { remote, root, subdirectory } = found
    yield ['repository', subdirectory === '' ? remote.url : `${remote.url}, folder ${subdirectory}`]
    yield ['its root is', root]
    yield ['credentials', await remote.entry(options.signal)]
    const { byName } = await clones.use(remote, bounds, (repository) => repository.refs(0))
    const count = (prefix: string) => [...byName.keys()].filter((name) => name.startsWith(prefix)).length
    const [branches, tags] = [count('refs/heads/'), count('refs/tags/')]
    yield [
      'the server said',
      `${branches} ${branches === 1 ? 'branch' : 'branches'}, ${tags} ${tags === 1 ? 'tag' : 'tags'}`,
    ]
  }

  async function modulesOf(module: ModulePath, options: OriginOptions): Promise<ModulePath[]> {
    const found = await find(module, options)
    if ('proxy' in found) return [module]
    const modules = modulesIn(found, await open(module, found, ({ code }) => code.refs(0)))
    note(module, found)
    return modules
  }

  async function versions(module: ModulePath, options: RenewOptions): Promise<VersionList | 'unchanged'> {
    const found = await find(module, options)
    if ('proxy' in found) return found.proxy.versions(module, options)
    return open(module, found, async (opened) => {
      const asked = await ask(opened, 0)
      const list = await listVersions(asked)
      // Without a version only a commit can be the module: `go` asks for every path above and below one.
      if (list.length === 0)
        await findModuleFolder(asked.code, asked.module, (await findHead(asked)).hash, 'latest')
      note(module, found)
      return { versions: list.map(({ version, hash }) => ({ version, commit: hash })) }
    })
  }

  async function resolve(
    module: ModulePath,
    query: string,
    options: ResolveOptions,
  ): Promise<InfoFile | 'unchanged'> {
    const found = await find(module, options)
    if ('proxy' in found) return found.proxy.resolve(module, query, options)
    const answer = async (asked: Asked): Promise<InfoFile> => {
      const resolved = await resolveIn(asked, query, options)
      const { version, revision } = resolved
      note(module, found)
      const bytes = formatInfo(query === 'latest' ? '' : query, resolved, asked)
      return { bytes, version, time: formatTime(revision.time), commit: revision.hash }
    }
    return open(module, found, async (opened) =>
      isCanonicalFor(module, query) ? exactly(opened, answer) : answer(await ask(opened, 0)),
    )
  }

  async function goMod(module: ModulePath, version: Version, options: ExactOptions): Promise<GoModFile> {
    const found = await find(module, options)
    if ('proxy' in found) return found.proxy.goMod(module, version, options)
    const answer = async (asked: Asked): Promise<GoModFile> => {
      const { revision } = await resolveIn(asked, version, options)
      const folder = await findModuleFolder(asked.code, asked.module, revision.hash, version)
      if (folder.goMod !== undefined && folder.goMod.length > limits.mod)
        throw new ModsteadError(
          'upstream_invalid',
          `the go.mod of ${module}@${version} in ${asked.code.url} has more than ${limits.mod} bytes`,
        )
      return { bytes: folder.goMod ?? Buffer.from(`module ${autoQuote(module)}\n`), commit: revision.hash }
    }
    return open(module, found, (opened) => exactly(opened, answer))
  }

  async function zip(module: ModulePath, version: Version, options: ExactOptions): Promise<ZipSource> {
    const found = await find(module, options)
    if ('proxy' in found) return found.proxy.zip(module, version, options)
    const answer = async (asked: Asked, code: Repository): Promise<ZipSource> => {
      const { revision } = await resolveIn(asked, version, options)
      const { hash } = revision
      const { folder } = await findModuleFolder(asked.code, asked.module, hash, version)
      const [license] = folder === '' ? [undefined] : await asked.code.read(hash, ['LICENSE'])
      const order = { module, version, hash, folder, license, limit: limits.zip, url: asked.code.url }
      const source = await code.withContents(hash, revision.ref, (gitDir) =>
        builder.build({ ...order, gitDir }, options.signal),
      )
      return { ...source, commit: hash }
    }
    return open(module, found, (opened) => exactly(opened, (asked) => answer(asked, opened.code)))
  }

  return {
    name,
    speculative: false,
    versions: (module, options) => meter.asked('list', versions(module, options)),
    resolve: (module, query, options) => meter.asked('info', resolve(module, query, options)),
    goMod: (module, version, options) => meter.asked('mod', goMod(module, version, options)),
    zip: (module, version, options) => meter.asked('zip', zip(module, version, options)),
    explain,
    modulesIn: modulesOf,
    *repositories() {
      for (const { remote, root, modules } of known.values())
        yield {
          key: remote.key,
          url: remote.url,
          root,
          modules: () => [...modules],
          renew: () => clones.use(remote, bounds, (repository) => repository.renew()),
        }
    },
    close,
  }
}

/** A repository, and the modules that were found in it. */
interface Known extends Pick<Place, 'remote' | 'root'> {
  modules: Set<ModulePath>
}

/** A module's repository, before its names are known. */
interface Opened {
  code: Repository
  module: ModuleLocation
}

async function ask(opened: Opened, maxAge: number): Promise<Asked> {
  return { ...opened, refs: await opened.code.refs(maxAge) }
}

/** Answers a question about one version from the names known, and from new ones where it is not among those. */
async function exactly<T>(opened: Opened, answer: (asked: Asked) => Promise<T>): Promise<T> {
  const asked = await ask(opened, NAMES_HOLD)
  try {
    return await answer(asked)
  } catch (error) {
    if (!isAbsence(error)) throw error
    const anew = await ask(opened, 0)
    if (anew.refs === asked.refs) throw error
    return answer(anew)
  }
}

async function resolveIn(
  asked: Asked,
  query: string,
  { commit, firstSeen = new Map() }: Pick<ResolveOptions, 'commit' | 'firstSeen'>,
): Promise<Resolved> {
  if (commit !== undefined)
    return { version: query as Version, revision: await revisionAt(commit, query, asked) }
  if (query === 'latest') return resolveRevision('', await findHead(asked), asked, firstSeen)
  // The tag of such a version is a query like any other, but what it stands for is known.
  const incompatible = `${query}+incompatible` as Version
  const first = firstSeen.get(incompatible)
  if (first !== undefined)
    return { version: incompatible, revision: await revisionAt(first, incompatible, asked) }
  return resolveRevision(query, await findRevision(query, asked), asked, firstSeen)
}
