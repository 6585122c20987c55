import { z } from 'zod'
import { choice, count, duration, identifier, path, secret, size, text, texts } from './fields.ts'

const GIB = 2 ** 30
const TIB = 2 ** 40

/** What `type` can be. */
export const ORIGIN_TYPES = ['goproxy', 'git', 'upload']

const entry = z.strictObject({
  for: text('a host such as git.corp.example, with a port or path where that matters')
    .optional()
    .describe(
      'Where the entry is used: a host, with its port if that is not the usual one, and a path if it is for a part of the host. The longest that fits wins. Default: all of `hosts`.',
    ),
  token: secret('a token')
    .optional()
    .describe(
      'An access token. It is sent as the password of HTTP Basic, which GitLab, GitHub and Gitea accept.',
    ),
  scheme: choice(['basic', 'bearer'])
    .optional()
    .describe(
      'With `token` or `oauth2`: how the token is sent. Default: `basic` for `token`, `bearer` for `oauth2`.',
    ),
  username: text('a user name').optional().describe('With `password`: HTTP Basic.'),
  password: secret('a password').optional().describe('With `username`: HTTP Basic.'),
  netrc: path('a netrc file').optional().describe('Logins are looked up in this file by host and path.'),
  sshKey: path('a private key of ssh')
    .optional()
    .describe('With `knownHosts`: the key for ssh remotes, without a passphrase.'),
  knownHosts: path('a known_hosts file')
    .optional()
    .describe('With `sshKey`: the host keys that are accepted, as `ssh-keyscan` writes them. No other is.'),
  oauth2: z
    .strictObject({
      tokenUrl: text('a URL of https or http').describe('Token endpoint.'),
      clientId: text('a client id').describe('Name of the client.'),
      clientSecret: secret('a client secret').describe('Its secret.'),
      scope: text('scopes separated by spaces').optional().describe('What is asked for.'),
    })
    .optional()
    .describe('Tokens by the client credentials grant of OAuth 2.0, renewed before they expire.'),
  githubApp: z
    .strictObject({
      appId: identifier('the id of an app').describe('Number or client id of the app.'),
      privateKey: path('a PEM file').describe('Private key of the app, PEM.'),
      installationId: identifier('the id of an installation')
        .optional()
        .describe('The one installation to use. Default: the one that can read the repository.'),
      apiUrl: text('a URL of https or http')
        .optional()
        .describe('Where the API is. Default: `https://api.github.com`, or `/api/v3` of another host.'),
    })
    .optional()
    .describe('Installation tokens of a GitHub App, renewed before they expire.'),
  cert: path('a PEM file').optional().describe('With `key`: a client certificate for TLS, beside any login.'),
  key: path('a PEM file').optional().describe('With `cert`: its private key.'),
  ca: path('a PEM file')
    .optional()
    .describe('Certificate authorities trusted for these hosts besides the system’s, PEM.'),
})

const timeouts = z.strictObject({
  lookup: duration().prefault('10s').describe('Resolving a host name.'),
  connect: duration().prefault('30s').describe('Opening a TCP connection.'),
  tls: duration().prefault('10s').describe('The TLS handshake.'),
  headers: duration().prefault('30s').describe('From a request sent to the head of the answer.'),
  idle: duration()
    .prefault('60s')
    .describe('Between two pieces of an answer, and how long git may be silent.'),
  total: duration().prefault('60s').describe('Finding out where one repository is, or getting one token.'),
  fetch: duration().prefault('10m').describe('One fetch by git, whole.'),
})

const limits = z.strictObject({
  page: size({ max: GIB, upTo: '1GiB' }).prefault('1MiB').describe('How much of a go-import page is read.'),
  mod: size({ max: 16 * 2 ** 20, upTo: '16MiB (go accepts no more)' })
    .prefault('16MiB')
    .describe('A go.mod file.'),
  zip: size({ max: 500 * 2 ** 20, upTo: '500MiB (go accepts no more)' })
    .prefault('500MiB')
    .describe('A module zip, and what is in it.'),
  repository: size({ max: TIB, upTo: '1TiB' })
    .prefault('4GiB')
    .describe('What is fetched of one repository.'),
})

/** The keys of an origin of `type: git`. */
export const gitOriginSchema = z.strictObject({
  type: choice(['git'], ORIGIN_TYPES).describe('`git`: repositories, found as `go` finds them.'),
  hosts: texts('a host such as git.corp.example or *.corp.example')
    .optional()
    .describe(
      'Hosts that may have any address, and that credentials without `for` are for. All others are reached only at public addresses. Default: those of `repositories`, and of the patterns of the private routes that name this origin.',
    ),
  repositories: z
    .record(
      z.string(),
      text('a URL such as ssh://git@git.corp.example/{path}').describe('URL of the repositories under NAME.'),
    )
    .optional()
    .describe(
      'Where the repositories of modules under a pattern are, without asking anybody: `corp.example/*: ssh://git@git.corp.example/{path}`. The repository stands at the first elements of a module path, as many as the pattern has; `{path}` is what the pattern left open, from its first wildcard on. The longest pattern wins. Only here, `file:` is allowed.',
    ),
  credentials: z
    .union([entry, z.array(entry).min(1)])
    .optional()
    .describe(
      'What repositories and go-import pages are asked with: one entry, or a list of them. It is never sent elsewhere.',
    ),
  timeouts: timeouts.prefault({}).describe('How long each phase may take.'),
  connections: count({ min: 1, max: 1024 })
    .prefault(16)
    .describe(
      'Connections at most to one host, for go-import pages, tokens, refs and what is fetched over HTTP.',
    ),
  limits: limits.prefault({}).describe('Largest things that are accepted.'),
})

export type FileGitOrigin = z.output<typeof gitOriginSchema>
export type FileGitCredentials = z.output<typeof entry>
