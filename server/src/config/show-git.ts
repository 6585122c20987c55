import type { GitCredentials, GitLogin, GitOriginConfig, Secret } from './config.ts'
import { HIDDEN } from './secrets.ts'
import { formatDuration, formatSize, mapValues } from './units.ts'

/** A git origin as a file would say it, without secrets. */
export function describeGitOrigin(origin: GitOriginConfig): Record<string, unknown> {
  const { type, hosts, repositories, credentials, timeouts, connections, limits } = origin
  return {
    type,
    ...(hosts.length > 0 && { hosts: [...hosts] }),
    ...(repositories.length > 0 && {
      repositories: Object.fromEntries(repositories.map(({ pattern, url }) => [pattern, url])),
    }),
    ...(credentials.length > 0 && { credentials: credentials.map(describeEntry) }),
    timeouts: mapValues({ ...timeouts }, formatDuration),
    connections,
    limits: mapValues(limits, formatSize),
  }
}

function describeEntry({ for: place, login, certificate, ca }: GitCredentials): Record<string, unknown> {
  return {
    ...(place !== undefined && { for: place }),
    ...(login && describeLogin(login)),
    ...certificate,
    ...(ca !== undefined && { ca }),
  }
}

function describeLogin(login: GitLogin): Record<string, unknown> {
  switch (login.kind) {
    case 'token':
      return { token: shownSecret(login.token), scheme: login.scheme }
    case 'basic':
      return { username: login.username, password: shownSecret(login.password) }
    case 'netrc':
      return { netrc: login.file }
    case 'ssh':
      return { sshKey: login.key, knownHosts: login.knownHosts }
    case 'oauth2': {
      const { kind: _kind, scheme, clientSecret, ...rest } = login
      return { oauth2: { ...rest, clientSecret: shownSecret(clientSecret) }, scheme }
    }
    case 'githubApp': {
      const { kind: _kind, ...rest } = login
      return { githubApp: rest }
    }
  }
}

/** The place of a secret is none. */
function shownSecret(secret: Secret): string {
  return 'file' in secret ? `file:${secret.file}` : HIDDEN
}
