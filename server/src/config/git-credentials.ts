import type { GitCredentials, GitLogin, Secret } from './config.ts'
import { absolutePath, type BuildContext, complain, pemFile, readNamedFile, shown } from './context.ts'
import type { FileGitCredentials } from './git-schema.ts'
import { parseCredentialPlace } from './host-pattern.ts'
import { formatKeyPath, type KeyPath } from './problems.ts'
import { resolveSecret, secretFile } from './secrets.ts'

/** The `credentials` of a git origin: one entry that stands at `path`, or a list of them. */
export async function buildGitCredentials(
  context: BuildContext,
  path: KeyPath,
  given: FileGitCredentials | readonly FileGitCredentials[] = [],
): Promise<GitCredentials[]> {
  if (!isList(given)) return [await buildEntry(context, path, given)]
  const built: GitCredentials[] = []
  for (const [index, entry] of given.entries()) built.push(await buildEntry(context, [...path, index], entry))
  warnOfTwins(context, path, built)
  return built
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}

/** Of two entries for one place the first is used. ssh keys are for ssh alone, and everything else for https. */
function warnOfTwins(context: BuildContext, path: KeyPath, entries: readonly GitCredentials[]): void {
  const first = new Map<string, number>()
  for (const [index, { for: place, login }] of entries.entries()) {
    const used = `${login?.kind === 'ssh' ? 'ssh' : 'https'} ${place?.toLowerCase().replace(/\/$/, '') ?? ''}`
    const other = first.get(used)
    const named = place === undefined ? 'without for' : `for ${place}`
    if (other === undefined) first.set(used, index)
    else
      context.warn(
        `${formatKeyPath([...path, index])} is never used: ${formatKeyPath([...path, other])} is ${named} as well, and the first is taken`,
      )
  }
}

async function buildEntry(
  context: BuildContext,
  path: KeyPath,
  entry: FileGitCredentials,
): Promise<GitCredentials> {
  const at = (key: string) => [...path, key]
  const { for: place, ca, cert, key } = entry
  const parsed = place === undefined ? undefined : parseCredentialPlace(place)
  if (typeof parsed === 'string')
    complain(context, at('for'), `expected ${parsed}, found ${shown(context, at('for'), place!)}`)
  if ((cert === undefined) !== (key === undefined))
    complain(context, path, 'expected cert and key together, found one of them')
  const login = await buildLogin(context, path, entry)
  const certificate = cert !== undefined &&
    key !== undefined && {
      cert: await pemFile(context, at('cert'), cert),
      key: await pemFile(context, at('key'), key),
    }
  return {
    ...(place !== undefined && { for: place }),
    ...(login && { login }),
    ...(certificate && { certificate }),
    ...(ca !== undefined && { ca: await pemFile(context, at('ca'), ca) }),
  }
}

const KINDS =
  'token; username and password; netrc; sshKey and knownHosts; oauth2; githubApp; with or without cert and key'

async function buildLogin(
  context: BuildContext,
  path: KeyPath,
  entry: FileGitCredentials,
): Promise<GitLogin | undefined> {
  const at = (...keys: string[]) => [...path, ...keys]
  const { for: _place, ca: _ca, cert, key: _key, scheme, ...kinds } = entry
  const { token, username, password, netrc, sshKey, knownHosts, oauth2, githubApp } = kinds
  const given = Object.keys(kinds).sort().join(' ')
  if (scheme !== undefined && !['token', 'oauth2'].includes(given))
    complain(context, at('scheme'), 'has a meaning beside token and oauth2 only')
  switch (given) {
    case 'token':
      return {
        kind: 'token',
        token: await buildSecret(context, at('token'), token!),
        scheme: scheme ?? 'basic',
      }
    case 'password username':
      return {
        kind: 'basic',
        username: username!,
        password: await buildSecret(context, at('password'), password!),
      }
    case 'netrc':
      return { kind: 'netrc', file: await readable(context, at('netrc'), netrc!) }
    case 'knownHosts sshKey':
      return {
        kind: 'ssh',
        key: await pemFile(context, at('sshKey'), sshKey!),
        knownHosts: await readable(context, at('knownHosts'), knownHosts!),
      }
    case 'oauth2': {
      const { tokenUrl, clientId, clientSecret, scope } = oauth2!
      checkUrl(context, at('oauth2', 'tokenUrl'), tokenUrl)
      return {
        kind: 'oauth2',
        tokenUrl,
        clientId,
        clientSecret: await buildSecret(context, at('oauth2', 'clientSecret'), clientSecret),
        ...(scope !== undefined && { scope }),
        scheme: scheme ?? 'bearer',
      }
    }
    case 'githubApp': {
      const { appId, privateKey, installationId, apiUrl } = githubApp!
      if (apiUrl !== undefined) checkUrl(context, at('githubApp', 'apiUrl'), apiUrl)
      if (installationId !== undefined && !/^\d+$/.test(installationId))
        complain(context, at('githubApp', 'installationId'), 'expected a number')
      return {
        kind: 'githubApp',
        appId,
        privateKey: await pemFile(context, at('githubApp', 'privateKey'), privateKey),
        ...(installationId !== undefined && { installationId }),
        ...(apiUrl !== undefined && { apiUrl: apiUrl.replace(/\/+$/, '') }),
      }
    }
    default: {
      // A certificate, or authorities alone, need no login beside them.
      const enough = given === '' && (cert !== undefined || entry.ca !== undefined)
      const found = given.replaceAll(' ', ' and ') || 'none of them'
      if (!enough) complain(context, path, `expected one of: ${KINDS}, found ${found}`)
      return undefined
    }
  }
}

/** Where the secret is; that it can be read is found out now. */
async function buildSecret(context: BuildContext, path: KeyPath, value: string): Promise<Secret> {
  const text = await resolveSecret(context, path, value)
  const file = secretFile(value)
  return file === undefined ? { text } : { file: absolutePath(context, path, file) }
}

async function readable(context: BuildContext, path: KeyPath, file: string): Promise<string> {
  await readNamedFile(context, path, file)
  return absolutePath(context, path, file)
}

function checkUrl(context: BuildContext, path: KeyPath, text: string): void {
  const url = URL.parse(text)
  const isWeb = url !== null && ['https:', 'http:'].includes(url.protocol)
  if (!isWeb || url.username + url.password !== '' || /[\s#]/.test(text))
    complain(
      context,
      path,
      `expected a URL of https or http without a login, found ${shown(context, path, text)}`,
    )
  else if (url.protocol === 'http:')
    context.warn(`${url.host} is asked for tokens without encryption: its URL is http`)
}
