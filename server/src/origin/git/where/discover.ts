import { isIP } from 'node:net'
import type { ModulePath } from '@modstead/gomod/path'
import type { GitOriginConfig } from '../../../config/config.ts'
import { hideUserinfo } from '../../../config/explain.ts'
import { parseRepositoryUrl } from '../../../config/repository-url.ts'
import { ModsteadError } from '../../../errors.ts'
import { failure, peer } from '../../failures.ts'
import { hostOf } from '../../proxy-environment.ts'
import { quotable } from '../../plain-text.ts'
import type { DiscoverOptions, Discovery, Found, FoundRepository } from './found.ts'
import { matchGoImport, sameImport, type GoImport } from './go-import.ts'
import type { Logins } from './logins.ts'
import { createMappings } from './mappings.ts'
import { refuseUnasked, type Page, type Pages } from './pages.ts'
import { toldByPath, type Told } from './static-hosts.ts'

export type { DiscoverOptions, Discovery, Found, FoundRepository } from './found.ts'

/** Asks, in this order: the configuration, the path itself, and the page of its host. */
export function createDiscovery(options: {
  config: Pick<GitOriginConfig, 'name' | 'repositories'>
  logins: Logins
  pages: Pages
  /** Whether a URL leads to this server. */
  isOurselves: (url: string) => boolean
}): Discovery {
  const { config, logins, pages, isOurselves } = options
  const mappings = createMappings(config.repositories)

  /** That a module comes from us, as our own pages say, is no answer to where we find it. */
  function isNews({ vcs, root }: GoImport): boolean {
    return vcs !== 'mod' || !isOurselves(root)
  }

  /** A path with `.git` in it names no scheme; that we hold a key for its host and no login decides for ssh. */
  function toldRepository(told: Extract<Told, { root: string }>): FoundRepository {
    const { root, repository, written, anyScheme } = told
    const base = { root, subdirectory: '', configured: false, trusted: true }
    const https = new URL(`https://${repository}`)
    const ssh = new URL(`ssh://git@${repository}`)
    const prefersSsh =
      anyScheme &&
      logins.choose(https, { mapped: false }).entry?.login === undefined &&
      logins.choose(ssh, { mapped: false }).entry !== undefined
    if (!prefersSsh) return { ...base, url: https, goUrl: written }
    return { ...base, url: ssh, goUrl: written.replace(/^https:/, 'git+ssh:') }
  }

  async function foundOnPage(module: ModulePath, options: DiscoverOptions): Promise<Found> {
    const page = await pages.read(module, options)
    const tag = tagFor(page, module, isNews)
    if (tag.prefix !== module) await confirm(module, tag, page, options)
    return fromTag(tag, page, options)
  }

  /** Whoever owns a path must not speak for the paths above it: the page of the prefix has to say the same. */
  async function confirm(
    module: ModulePath,
    tag: GoImport,
    page: Page,
    options: DiscoverOptions,
  ): Promise<void> {
    const above = await pages.read(tag.prefix, options)
    const other = matchGoImport(above.imports.filter(isNews), module)
    if (typeof other === 'object' && sameImport(tag, other)) return
    throw failure(
      'upstream_invalid',
      page.peer,
      `says another thing of ${module} than the page of ${tag.prefix}`,
      {
        next: 'tell who runs that host: the go-import tags of both pages have to be the same',
      },
    )
  }

  function fromTag(tag: GoImport, page: Page, options: DiscoverOptions): Found {
    const { prefix: root, vcs } = tag
    const invalid = (sentence: string) =>
      failure('upstream_invalid', page.peer, `has a go-import tag for ${root} ${sentence}`)
    if (vcs === 'mod') {
      const url = proxyUrl(tag.root)
      if (url === undefined || (url.protocol === 'http:' && !(page.trusted && logins.isConfigured(url))))
        throw invalid(`whose module proxy is no URL of https: ${shownUrl(tag.root)}`)
      refuseUnasked(url, options, page.peer)
      if (options.private === true && !mayHearPrivate(url, page, options))
        throw failure(
          'upstream_invalid',
          page.peer,
          `says that ${root} is at the module proxy ${url.host}, but it is private`,
          {
            next: 'if that proxy may hear of private modules, name its host in hosts of the route or of the origin',
          },
        )
      return { vcs, root, url }
    }
    if (vcs !== 'git') throw invalid(`that wants ${quotable(vcs)}, and modstead fetches with git only`)
    const url = parseRepositoryUrl(tag.root, 'page')
    if (typeof url === 'string')
      throw invalid(`with a bad repository: expected ${url}, found ${shownUrl(tag.root)}`)
    const subdirectory = tag.subdirectory.replace(/\/+$/, '')
    if (!isSubdirectory(subdirectory)) throw invalid('with a bad subdirectory')
    refuseUnasked(url, options, page.peer)
    // A page may lead to its own host, and to others if it is ours. A stranger's must not make us use what we are
    // shown to be elsewhere.
    const trusted = page.trusted || (page.hosts.length === 1 && isOnHost(url, page.hosts[0]!))
    if (url.protocol === 'http:' && !(trusted && logins.isConfigured(url)))
      throw invalid('whose repository is plain http, on a host that is not configured')
    return {
      vcs,
      repository: { root, url, goUrl: tag.root, subdirectory, configured: false, trusted },
    }
  }

  /**
   * Whether a module proxy that a page names may be asked for private modules: it hears their names and versions. A page
   * speaks for its own host; that any other may hear of them only the configuration can say.
   */
  function mayHearPrivate(url: URL, page: Page, { hosts }: DiscoverOptions): boolean {
    return hosts !== undefined || logins.isConfigured(url) || page.hosts.some((host) => isOnHost(url, host))
  }

  return {
    async discover(module, options) {
      const mapped = mappings.find(module)
      if (mapped === 'above') throw absent(config.name, `no repository is configured for ${module} itself`)
      if (mapped !== undefined) return { vcs: 'git', repository: mapped }
      const host = module.split('/', 1)[0]!
      if (!isName(host)) throw absent(config.name, `${host} is not the name of a host`)
      const told = toldByPath(module)
      if (told === undefined) return foundOnPage(module, options)
      if ('absent' in told) throw absent(config.name, told.absent)
      if (told.vcs !== 'git')
        throw new ModsteadError(
          'upstream_invalid',
          `${told.root} is a repository of ${told.vcs}, and modstead fetches with git only`,
          { origin: config.name, next: 'use a module proxy that has this module' },
        )
      const repository = toldRepository(told)
      refuseUnasked(repository.url, options, peer({ kind: 'origin', name: config.name }, repository.url.host))
      return { vcs: 'git', repository }
    },
  }
}

function tagFor(page: Page, module: ModulePath, isNews: (tag: GoImport) => boolean): GoImport {
  const tag = matchGoImport(page.imports.filter(isNews), module)
  if (tag === undefined) throw failure('not_found', page.peer, `names no repository for ${module}`)
  if (tag === 'several')
    throw failure('upstream_invalid', page.peer, `has more than one go-import tag for ${module}`)
  return tag
}

function absent(origin: string, message: string): ModsteadError {
  return new ModsteadError('not_found', message, { origin })
}

/** Whether the first element of a path is a name with a dot in it, and no address however it is written. */
function isName(host: string): boolean {
  if (!host.includes('.')) return false
  const url = URL.parse(`https://${host}/`)
  return url !== null && isIP(hostOf(url)) === 0
}

function isSubdirectory(text: string): boolean {
  if (text === '') return true
  if (/[^\x21-\x7e]|[\\:]/.test(text) || text.startsWith('-')) return false
  return text.split('/').every((element) => element !== '' && element !== '.' && element !== '..')
}

function isOnHost(url: URL, host: string): boolean {
  return url.hostname === new URL(`https://${host}`).hostname
}

/** The base URL of a module proxy that a page names. */
function proxyUrl(text: string): URL | undefined {
  if (/[^\x21-\x7e]|[\\?#]/.test(text) || !/^https?:\/\/[^/]/i.test(text)) return undefined
  const url = URL.parse(text)
  return url !== null && url.username + url.password === '' ? url : undefined
}

function shownUrl(text: string): string {
  return quotable(hideUserinfo(text))
}
