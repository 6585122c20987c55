/**
 * From a raw request target to what it asks for, and back.
 *
 *     PREFIX/MODULE/@v/list                      the versions
 *     PREFIX/MODULE/@latest                      the latest version (also /@v/latest.info)
 *     PREFIX/MODULE/@v/VERSION.info .mod .zip    the files of a version
 *     PREFIX/MODULE/@v/QUERY.info                what a branch, tag or commit prefix resolves to
 *     PREFIX/sumdb/NAME/supported latest lookup/MODULE@VERSION tile/8/LEVEL/NUMBER
 *     PREFIX/latest, lookup/…, tile/…            the same of the default database
 *
 * Module paths and versions are escaped as in Go's cache; the path is percent-decoded first. Nothing behind this file
 * checks names again: what it lets pass, gomod's own checks accept.
 */
import { GomodError } from '@modstead/gomod/error'
import { escapePath, unescapePath } from '@modstead/gomod/path'
import type { ModulePath } from '@modstead/gomod/path'
import { DATA_LEVEL, parseTilePath } from '@modstead/gomod/tlog/tile'
import {
  canonicalVersion,
  checkVersion,
  escapeVersion,
  isCanonicalFor,
  isQuery,
  unescapeVersion,
} from '@modstead/gomod/version'
import type { Version } from '@modstead/gomod/version'
import { TENANTS_PATH } from '../config/fixed-paths.ts'
import { ModsteadError, type ErrorCode } from '../errors.ts'
import type { ModuleRequest } from '../proxy/request.ts'
import { encodePath, requestPath } from './request-path.ts'

/** What is asked of a checksum database. */
export type SumdbRequest =
  | { kind: 'supported' }
  | { kind: 'latest' }
  | { kind: 'lookup'; module: ModulePath; version: Version }
  /** `path` is that after `/tile/`; `records` for a data tile. */
  | { kind: 'tile'; path: string; records: boolean }

/** `path` is the normalised path, prefix included: the same for all spellings of a request. */
export type Endpoint =
  | { kind: 'module'; path: string; request: ModuleRequest }
  | { kind: 'sumdb'; path: string; database: string; request: SumdbRequest }

export interface ParserOptions {
  /** `''`, or a path like `/goproxy`. */
  prefix: string
  /** Names of the checksum databases that are answered for; the first is the default at the root. */
  databases: readonly string[]
}

/**
 * Makes the function that parses targets. It throws only ModsteadError: `bad_path`, `bad_version`, `no_endpoint`,
 * `uri_too_long`, and `bad_request` for a query, since answering a question without reading all of it is a guess.
 */
export function createParser({ prefix, databases }: ParserOptions): (target: string) => Endpoint {
  // The longest first, for one name may begin with another.
  const names = [...databases].sort((a, b) => b.length - a.length)

  function parseSumdb(rest: string): Endpoint | undefined {
    if (rest.startsWith('/sumdb/')) {
      const tail = rest.slice('/sumdb/'.length)
      const name = names.find((name) => tail.startsWith(`${name}/`))
      if (name === undefined)
        throw new ModsteadError('no_endpoint', 'this server mirrors no checksum database of that name', {
          next:
            databases.length === 0 ? 'it mirrors none at all' : `those it mirrors: ${databases.join(', ')}`,
        })
      const request = parseSumdbRequest(tail.slice(name.length))
      return request && { kind: 'sumdb', path: prefix + encodePath(rest), database: name, request }
    }
    const name = databases[0]
    const request = name !== undefined && rest !== '/supported' ? parseSumdbRequest(rest) : undefined
    return request && { kind: 'sumdb', path: prefix + encodePath(rest), database: name!, request }
  }

  function parseEndpoint(path: string): Endpoint | undefined {
    if (!path.startsWith(prefix) || path.charCodeAt(prefix.length) !== SLASH) return undefined
    const rest = path.slice(prefix.length)
    // No module path begins with an element without a dot: whoever asks here means a tenant.
    if (rest.startsWith(TENANTS_PATH)) throw noTenant(rest.slice(TENANTS_PATH.length).split('/', 1)[0]!)
    const sumdb = parseSumdb(rest)
    if (sumdb !== undefined) return sumdb
    const request = parseModuleRequest(rest)
    return request && { kind: 'module', path: prefix + formatModuleRequest(request), request }
  }

  return function parse(target) {
    const { path, hasQuery } = requestPath(target)
    const endpoint = parseEndpoint(path)
    if (endpoint === undefined) throw noEndpoint(path, prefix)
    if (hasQuery)
      throw new ModsteadError('bad_request', 'the address has a query (?), which no module request has')
    return endpoint
  }
}

function noTenant(name: string): ModsteadError {
  return new ModsteadError('no_endpoint', `there is no tenant ${JSON.stringify(name.slice(0, 40))} here`, {
    next: 'check the name behind /t/ in GOPROXY; without /t/ it is the site of nobody in particular',
  })
}

/** The path of a module request below the prefix, as `go` writes it but with a plain `!`. */
export function formatModuleRequest(request: ModuleRequest): string {
  const module = escapePath(request.module)
  if (request.kind === 'list') return `/${module}/@v/list`
  if (request.kind === 'latest') return `/${module}/@latest`
  if (request.kind === 'query') return `/${module}/@v/${encodePath(escapeVersion(request.query))}.info`
  return `/${module}/@v/${encodePath(escapeVersion(request.version))}.${request.kind}`
}

/**
 * The version that `PREFIX/MODULE/@v/VERSION` names. Throws as the parser does, and `no_endpoint` where what is named
 * is a file of a version, or the list.
 */
export function parseVersionPath(target: string, prefix: string): { module: ModulePath; version: Version } {
  const { path, hasQuery } = requestPath(target)
  const at = path.indexOf('/@v/')
  if (!path.startsWith(`${prefix}/`) || at <= prefix.length) throw noEndpoint(path, prefix)
  if (hasQuery) throw new ModsteadError('bad_request', 'the address has a query (?), which it must not have')
  const module = modulePath(path.slice(prefix.length + 1, at))
  const version = refusing('bad_version', () => unescapeVersion(path.slice(at + '/@v/'.length)))
  if (isCanonicalFor(module, version)) return { module, version }
  if (version === 'list' || /\.(?:info|mod|zip)$/.test(version)) throw noEndpoint(path, prefix)
  throw badVersion(module, version, 'zip')
}

const SLASH = 0x2f

function parseModuleRequest(rest: string): ModuleRequest | undefined {
  const at = rest.indexOf('/@')
  if (at < 0) return undefined
  const what = rest.slice(at)
  if (what === '/@latest') return { kind: 'latest', module: modulePath(rest.slice(1, at)) }
  if (what === '/@v/list') return { kind: 'list', module: modulePath(rest.slice(1, at)) }
  const dot = what.lastIndexOf('.')
  const suffix = what.slice(dot + 1)
  if (!what.startsWith('/@v/') || (suffix !== 'info' && suffix !== 'mod' && suffix !== 'zip'))
    return undefined
  const module = modulePath(rest.slice(1, at))
  const text = refusing('bad_version', () => unescapeVersion(what.slice('/@v/'.length, dot)))
  if (isCanonicalFor(module, text)) return { kind: suffix, module, version: text }
  if (suffix !== 'info') throw badVersion(module, text, suffix)
  if (text === 'latest') return { kind: 'latest', module }
  if (isQuery(text)) return { kind: 'query', module, query: text }
  throw new ModsteadError('bad_version', `${text} cannot be a version, a branch, a tag or a commit`)
}

function parseSumdbRequest(rest: string): SumdbRequest | undefined {
  if (rest === '/supported') return { kind: 'supported' }
  if (rest === '/latest') return { kind: 'latest' }
  if (rest.startsWith('/lookup/')) {
    const at = rest.indexOf('@')
    if (at < 0)
      throw new ModsteadError('bad_version', 'a lookup needs a version: /lookup/MODULE@VERSION', {
        next: 'write the module path, @ and a canonical version',
      })
    const module = modulePath(rest.slice('/lookup/'.length, at))
    const version = refusing('bad_version', () => checkVersion(module, unescapeVersion(rest.slice(at + 1))))
    return { kind: 'lookup', module, version }
  }
  if (rest.startsWith('/tile/')) {
    const tile = refusing('bad_path', () => parseTilePath(rest.slice(1)))
    return {
      kind: 'tile',
      path: rest.slice('/tile/'.length),
      records: tile.level === DATA_LEVEL,
    }
  }
  return undefined
}

function modulePath(escaped: string): ModulePath {
  return refusing('bad_path', () => unescapePath(escaped))
}

/** Runs a check of gomod; what it finds wrong becomes a refusal in its words. */
function refusing<T>(code: ErrorCode, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof GomodError) throw new ModsteadError(code, error.message)
    throw error
  }
}

function badVersion(module: ModulePath, text: string, suffix: string): ModsteadError {
  const canonical = canonicalVersion(text)
  if (canonical === '')
    return new ModsteadError('bad_version', `${text} is not a version, and only versions have a .${suffix}`)
  if (canonical !== text)
    return new ModsteadError('bad_version', `${text} is not a canonical version`, {
      next: `write ${canonical}`,
    })
  return new ModsteadError(
    'bad_version',
    `${text} cannot be a version of ${module}: the major versions differ`,
  )
}

function noEndpoint(path: string, prefix: string): ModsteadError {
  const outside = prefix !== '' && path !== prefix && !path.startsWith(`${prefix}/`)
  return new ModsteadError(
    'no_endpoint',
    `there is nothing at ${path}`,
    outside ? { next: `module requests start with ${prefix}/` } : {},
  )
}
