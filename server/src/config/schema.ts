/**
 * Every key of the configuration file: its type, default, bounds and meaning. Validation, the types of what is read,
 * the reference page in docs/ and the JSON Schema for editors all come from here.
 *
 * Strings in `prefault` are what a user would write; descriptions are sentences for people, in the reference page and
 * in editors.
 */
import { z } from 'zod'
import {
  age,
  choice,
  choices,
  count,
  duration,
  flag,
  listenAddresses,
  originList,
  path,
  pathPrefix,
  publicUrl,
  secret,
  size,
  sourceLinks,
  text,
  texts,
} from './fields.ts'
import { accessSchema } from './access/access-schema.ts'
import { auditSchema } from './audit/audit.ts'
import { gitOriginSchema, ORIGIN_TYPES } from './git-schema.ts'
import { limitsSchema } from './limits/limits.ts'
import { tenantName, tenantSchema } from './tenants/tenant-schema.ts'
import { versionMapSchema } from './tenants/version-map.ts'
import { forwardedHeaderSchema, forwardedHostSchema, trustedProxiesSchema } from './trusted-proxies.ts'
import { tlsSchema } from './tls.ts'

const GIB = 2 ** 30
const TIB = 2 ** 40

const credentials = z.strictObject({
  username: text('a user name').optional().describe('With `password`: HTTP Basic.'),
  password: secret('a password').optional().describe('With `username`: HTTP Basic.'),
  token: secret('a token').optional().describe('Alone: sent as `Authorization: Bearer`.'),
  netrc: path('a netrc file')
    .optional()
    .describe('Alone: user name and password are looked up in this file by host.'),
  cert: path('a PEM file').optional().describe('With `key`: a client certificate for TLS.'),
  key: path('a PEM file').optional().describe('With `cert`: its private key.'),
})

const timeouts = z.strictObject({
  lookup: duration().prefault('10s').describe('Resolving the host name.'),
  connect: duration().prefault('30s').describe('Opening the TCP connection.'),
  tls: duration().prefault('10s').describe('The TLS handshake.'),
  headers: duration().prefault('60s').describe('From the request sent to the head of the answer.'),
  idle: duration().prefault('60s').describe('Between two pieces of the answer’s body.'),
  total: duration().prefault('30m').describe('The whole request: all tries, redirects and the body.'),
})

const zipLimit = { max: 500 * 2 ** 20, upTo: '500MiB (go accepts no more)' }
const limits = z.strictObject({
  list: size({ max: GIB, upTo: '1GiB' }).prefault('16MiB').describe('A list of versions.'),
  info: size({ max: GIB, upTo: '1GiB' }).prefault('1MiB').describe('An `.info` file.'),
  mod: size({ max: GIB, upTo: '1GiB' }).prefault('16MiB').describe('A go.mod file.'),
  zip: size(zipLimit).prefault('500MiB').describe('A module zip.'),
})

export const proxyOriginSchema = z.strictObject({
  type: choice(['goproxy'], ORIGIN_TYPES)
    .optional()
    .transform((value) => value ?? 'goproxy')
    .describe('What kind of origin it is: `goproxy`, another module proxy (the default), `git` or `upload`.'),
  url: text('a URL such as https://proxy.golang.org').describe(
    'Base URL: `https:`, `http:` or `file:` (a folder laid out like `$GOMODCACHE/cache/download`). A path is allowed; a user name and password in it are taken as `credentials`.',
  ),
  credentials: credentials
    .optional()
    .describe('What the origin is asked with. It is only ever sent to the host of `url`.'),
  ca: path('a PEM file')
    .optional()
    .describe('Certificate authorities trusted for this origin besides the system’s, PEM.'),
  timeouts: timeouts.prefault({}).describe('How long each phase of a request may take.'),
  connections: count({ min: 1, max: 1024 })
    .prefault(64)
    .describe('Connections at most, for all requests together.'),
  tries: count({ min: 1, max: 3 })
    .prefault(3)
    .describe('Tries of one request at most, the first included; only what can be repeated safely is.'),
  limits: limits.prefault({}).describe('Largest answers that are accepted.'),
})

const uploadOriginSchema = z.strictObject({
  type: choice(['upload'], ORIGIN_TYPES).describe('`upload`: what is published to modstead itself.'),
})

const tokenSchema = z.strictObject({
  token: secret('a token of 16 characters or more').describe(
    'The secret itself: 16 characters or more, without spaces.',
  ),
  may: choices(['publish', 'delete', 'audit'])
    .optional()
    .describe(
      'What it allows without a binding of `access`: to publish versions, to delete them, and to audit: to read and acknowledge incidents, and to read all records of the checksum log. Default: nothing.',
    ),
})

const originSchema = z.discriminatedUnion('type', [proxyOriginSchema, gitOriginSchema, uploadOriginSchema])

export const routeSchema = z.strictObject({
  modules: texts('a module pattern such as corp.example or *.corp.example').describe(
    'Module patterns with the rules of GOPRIVATE: `corp.example` covers everything below it, `*` stands for any part of one path element.',
  ),
  from: originList()
    .optional()
    .describe(
      'Where these modules come from: a list of origin names, tried in order, or one text like GOPROXY, `public,mirror|direct`. `direct` and `off` end it. Default: all module proxies but those that only private routes name, then `direct`; for a private route `direct` alone.',
    ),
  fallback: choice(['any', 'absent'])
    .optional()
    .describe(
      'When the next of a `from` list is asked: after `any` failure, or only when the module is `absent` there (404 or 410). Default: `any`. A `from` text says it itself: `|` is any, `,` is absent.',
    ),
  weights: z
    .record(z.string(), count({ min: 0, max: 1_000_000 }).describe('Share of the modules.'))
    .optional()
    .describe(
      'Shares of modules for which an origin of `from` is asked first, such as `{ old: 90, new: 10 }`, for a gradual switch: each module has one by its path, and keeps it. The others follow as in `from`.',
    ),
  hosts: texts('a host such as git.corp.example or *.corp.example')
    .optional()
    .describe(
      'Hosts that repositories of these modules may be at, and that may be asked where they are. Default: any that the origin may reach.',
    ),
  private: flag()
    .prefault(false)
    .describe(
      'The names of these modules are secret: never sent to a checksum database or another route’s origins.',
    ),
  checksum: text('the name of a checksum database, or "off"')
    .optional()
    .describe(
      'Checksum database that must prove each version, or `off`. Default: the first of `sumdb`; `off` for private routes.',
    ),
  log: flag()
    .optional()
    .describe(
      'Enter versions into the checksum log; clients need GONOSUMDB for what is left out. Default: true where there is a `checksumLog`.',
    ),
  lookAhead: flag().prefault(true).describe('Fetch ahead what a build will ask for next.'),
  fresh: age()
    .prefault('60s')
    .describe('How long a list or the answer to a query is given without asking the origin again.'),
  staleWhileRevalidate: age()
    .prefault('1h')
    .describe('For how long after that it is still given at once, while it is renewed in the background.'),
  absent: age()
    .prefault('10s')
    .describe('How long it is remembered that a module or version does not exist.'),
})

const checksumLog = z.strictObject({
  key: secret('the signer key, as `modstead sumdb init` makes it').describe(
    'Signer key, `PRIVATE+KEY+…`, best as `file:PATH` of a file that only modstead may read. Its name is that of the checksum database.',
  ),
  previousKeys: z
    .array(secret('a signer key of the same name'))
    .prefault([])
    .describe(
      'Signer keys of the same name that `key` replaces: heads are signed by these too, until every client knows the new key.',
    ),
  highWater: path('a file on another disk')
    .optional()
    .describe(
      'File that remembers the largest head ever signed, so that a restored backup cannot make the log contradict itself: best on another disk than the data folder. Default: in the data folder.',
    ),
  witnesses: z
    .array(
      z.strictObject({
        key: text('the verifier key of a witness, name+hash+base64').describe(
          'Verifier key for its cosignatures.',
        ),
        url: text('a URL such as https://witness.example').describe(
          'Where heads are sent: https, or http on a loopback address.',
        ),
      }),
    )
    .prefault([])
    .describe('Others who sign each head once they have seen that the log only grew.'),
})

const vanityRuleSchema = z.strictObject({
  modules: texts('a module pattern such as go.corp.example/*').describe(
    'Patterns of module paths on a host that leads to modstead, as in routes: `go.corp.example/*`. What one matches is the root of a repository; packages and modules below it belong to the same one.',
  ),
  repository: text(
    'the URL of a git repository such as https://git.corp.example/go/{path} or ssh://git@git.corp.example/{path}.git',
  ).describe(
    'Where `go` finds the repository when it does not use modstead: a URL of `https:`, `http:`, `ssh:` or `git+ssh:`. In its path `{path}` is what the pattern matched from its first wildcard on; `{1}`, `{2}` … are the elements that its wildcards matched.',
  ),
  subdirectory: text('a folder of the repository such as libs/{path}')
    .optional()
    .describe(
      'Folder of the repository in which the root lies, with the same braces. `go` knows this since 1.25; older ones come to modstead instead of git.',
    ),
  source: sourceLinks()
    .prefault('none')
    .describe(
      'How documentation pages link to sources: as `gitlab`, `github` or `gitea` (Forgejo too) does it, `none`, or a mapping of `home`, `directory` and `file`: URLs with the same braces and those of go-source, `{/dir}`, `{file}` and `{line}`.',
    ),
})

const hookSchema = z.strictObject({
  type: choice(['gitlab', 'github', 'gitea', 'generic']).describe(
    'What sends it: `gitlab`, `github`, `gitea` (Forgejo too), or `generic`, a signed form for scripts.',
  ),
  secret: secret('a secret of 16 characters or more').describe(
    'What the sender proves itself with: the secret of the hook there, or a signing token (`whsec_…`) of GitLab; 16 characters or more.',
  ),
})

const lookAhead = z.strictObject({
  concurrency: count({ min: 0, max: 1024 })
    .prefault(16)
    .describe('Requests made ahead at the same time, at most. 0 switches looking ahead off.'),
  bytes: size({ min: 0, max: TIB, upTo: '1TiB' })
    .prefault('512MiB')
    .describe('Zips fetched ahead and not yet asked for, all together at most.'),
  depth: count({ min: 0, max: 64 })
    .prefault(8)
    .describe('How many requirements deep the go.mod files are followed.'),
})

const mirror = z.strictObject({
  modules: texts('a module path such as corp.example/lib').describe(
    'Module paths at the roots of the repositories.',
  ),
  every: duration({ min: 60_000, wording: ' (a minute at least)' })
    .prefault('1h')
    .describe('How often they are looked at, besides at the start and after a push hook; at least a minute.'),
})

const log = z.strictObject({
  level: choice(['debug', 'info', 'warn', 'error']).prefault('info').describe('Least level that is written.'),
  format: choice(['auto', 'json', 'text'])
    .prefault('auto')
    .describe('`auto` writes lines for people on a terminal and JSON lines everywhere else.'),
  requests: flag()
    .prefault(false)
    .describe('One line for each request, those answered from memory included.'),
})

/** Names of hooks. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
/** `direct` is no origin like others: only what it means can be said, with `type: git`. */
const originName = /^(?!off$)[A-Za-z0-9][A-Za-z0-9._-]*$/

/** What the top level and every tenant can say, each for itself. */
const site = {
  origins: z
    .record(z.string().regex(originName), originSchema)
    .optional()
    .describe(
      'Where modules come from, by a name of your choice (letters, digits, `.`, `_`, `-`); `direct`, of `type: git`, says what that word means. Default: the proxies of GOPROXY.',
    ),
  tokens: z
    .record(z.string().regex(originName), tokenSchema)
    .optional()
    .describe(
      'Who may publish and delete versions, or audit, by a name of your choice that is recorded with what was done. Default: nobody may.',
    ),
  access: accessSchema
    .optional()
    .describe('Who may sign in and what they may do: docs/access.md. Default: reading is open to everybody.'),
  routes: z
    .array(routeSchema)
    .optional()
    .describe(
      'Which modules come from where. The first route whose pattern matches decides; a last one for `*` is implied. Default: GOPRIVATE, GONOPROXY and GONOSUMDB.',
    ),
  vanity: z
    .array(vanityRuleSchema)
    .optional()
    .describe(
      'Import paths of your own host, answered with `go-import` pages. The first rule with a pattern that matches decides. Default: none.',
    ),
  hooks: z
    .record(z.string().regex(plainName), hookSchema)
    .optional()
    .describe(
      'Push hooks by a name of your choice: `POST /hooks/NAME` says that a repository changed. Default: none.',
    ),
  lookAhead: lookAhead.prefault({}).describe('How much is fetched before it is asked for.'),
  checksumLog: checksumLog
    .optional()
    .describe(
      'A checksum database of your own: its log proves public and private modules. Default: there is none.',
    ),
  versions: versionMapSchema
    .optional()
    .describe(
      'What `latest` is for some modules, and from when: docs/tenants.md. Default: the newest version of each.',
    ),
  stableQuery: flag()
    .prefault(false)
    .describe('Answer the query `stable` (`go get MODULE@stable`) with the version promoted last.'),
}

export const configSchema = z.strictObject({
  listen: listenAddresses()
    .prefault('127.0.0.1:6637')
    .describe(
      'Where modstead listens: `HOST:PORT`, `:PORT` for every address of the machine, `unix:PATH`, or a list of these.',
    ),
  publicUrl: publicUrl()
    .optional()
    .describe(
      'How clients reach modstead, without `pathPrefix`: needed behind a reverse proxy or a name. Default: the listen address.',
    ),
  pathPrefix: pathPrefix()
    .prefault('')
    .describe(
      'The module endpoints live below this path, so that GOPROXY is `publicUrl` + `pathPrefix`. Not where pages of modstead are, such as `/metrics`.',
    ),
  trustedProxies: trustedProxiesSchema
    .optional()
    .describe(
      'Reverse proxies whose word is taken for the address of a client: addresses, networks, or `unix` for all who come through a Unix socket. Default: nobody’s.',
    ),
  forwardedHeader: forwardedHeaderSchema
    .optional()
    .describe(
      'The header that they say it in; `forwarded` is that of RFC 7239, which tells host and scheme as well. Default: `x-forwarded-for`.',
    ),
  forwardedHost: forwardedHostSchema
    .optional()
    .describe(
      'Believe `X-Forwarded-Host` and `X-Forwarded-Proto` of `trustedProxies`, too. Only where they overwrite both: else a client says what it likes. Default: false.',
    ),
  tls: tlsSchema.optional().describe('Serve https. `go` sends credentials over nothing else.'),
  dataDir: path('a folder')
    .prefault('./modstead-data')
    .describe('Folder with everything that is stored. One modstead uses it at a time.'),
  memory: size({ min: 0, max: TIB, upTo: '1TiB' })
    .prefault('128MiB')
    .describe('Ready answers kept in memory, all together at most.'),
  clones: size({ min: 0, max: TIB, upTo: '1TiB' })
    .prefault('10GiB')
    .describe(
      'What clones of repositories take on disk, all together; those not used for longest are deleted.',
    ),
  origins: site.origins,
  tokens: site.tokens,
  access: site.access,
  routes: site.routes,
  audit: auditSchema
    .optional()
    .describe('A tamper-evident record of who did what: docs/audit.md. Default: there is none.'),
  sumdb: texts('a checksum database as in GOSUMDB ("sum.golang.org", "KEY" or "KEY URL"), or "off"')
    .optional()
    .describe(
      'Checksum databases that prove public modules and are mirrored for clients, each written as for GOSUMDB; the first is the default one. Default: GOSUMDB.',
    ),
  checksumLog: site.checksumLog,
  vanity: site.vanity,
  hooks: site.hooks,
  versions: site.versions,
  stableQuery: site.stableQuery,
  mirror: mirror
    .optional()
    .describe('Repositories that are kept whole: every tagged version of every module in them.'),
  tenants: z
    .record(z.string().regex(tenantName), tenantSchema(site))
    .optional()
    .describe(
      'Others with modules, access and rules of their own on this server, by name: docs/tenants.md. Each has the keys of the top level that are its own: `origins`, `routes`, `access`, `tokens`, `checksumLog`, `vanity`, `hooks`, `lookAhead`, `versions` and `stableQuery`, which mean the same there. Default: none.',
    ),
  lookAhead: site.lookAhead,
  limits: limitsSchema
    .prefault({})
    .describe('What clients may take, and when nothing new is fetched: docs/limits.md.'),
  log: log.prefault({}).describe('What is written to standard output.'),
  shutdownGrace: duration({ min: 0 })
    .prefault('20s')
    .describe('How long running requests may take to finish after SIGTERM.'),
})

/** A configuration file as it was read: units are converted, defaults filled in, nothing is resolved yet. */
export type FileConfig = z.output<typeof configSchema>
export type FileOrigin = z.output<typeof originSchema>
export type FileProxyOrigin = z.output<typeof proxyOriginSchema>
export type FileRoute = z.output<typeof routeSchema>
export type FileHook = z.output<typeof hookSchema>
export type FileVanityRule = z.output<typeof vanityRuleSchema>
export type FileTenant = NonNullable<FileConfig['tenants']>[string]
