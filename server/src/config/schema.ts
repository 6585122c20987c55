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
  text,
  texts,
} from './fields.ts'

const GIB = 2 ** 30
const TIB = 2 ** 40

const tls = z.strictObject({
  cert: path('a PEM file').describe('Certificate chain of the server, PEM, the server’s own first.'),
  key: path('a PEM file').describe('Private key of that certificate, PEM, without a passphrase.'),
  minVersion: choice(['TLSv1.2', 'TLSv1.3'])
    .prefault('TLSv1.2')
    .describe('Oldest protocol version that is accepted.'),
})

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

export const originSchema = z
  .strictObject({
    type: choice(['goproxy', 'upload'])
      .prefault('goproxy')
      .describe(
        'What kind of origin it is: `goproxy` is another module proxy; `upload` stands for what is published to modstead itself, and takes no other keys.',
      ),
    url: text('a URL such as https://proxy.golang.org')
      .optional()
      .describe(
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
  .check(({ value: { type, url }, issues }) => {
    if (type !== 'upload' && url === undefined) issues.push({ code: 'custom', input: url, path: ['url'] })
  })

const tokenSchema = z.strictObject({
  token: secret('a token of 16 characters or more').describe(
    'The secret itself: 16 characters or more, without spaces.',
  ),
  may: choices(['publish', 'delete']).describe('What it allows.'),
})

export const routeSchema = z.strictObject({
  modules: texts('a module pattern such as corp.example or *.corp.example').describe(
    'Module patterns with the rules of GOPRIVATE: `corp.example` covers everything below it, `*` stands for any part of one path element.',
  ),
  from: originList()
    .optional()
    .describe(
      'Where these modules come from: a list of origin names, tried in order, or one text like GOPROXY, `public,mirror|direct`. `direct` and `off` end it. Default: all origins but those that only private routes name, then `direct`; for a private route `direct` alone.',
    ),
  fallback: choice(['any', 'absent'])
    .optional()
    .describe(
      'When the next of a `from` list is asked: after `any` failure, or only when the module is `absent` there (404 or 410). Default: `any`. A `from` text says it itself: `|` is any, `,` is absent.',
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

const log = z.strictObject({
  level: choice(['debug', 'info', 'warn', 'error']).prefault('info').describe('Least level that is written.'),
  format: choice(['auto', 'json', 'text'])
    .prefault('auto')
    .describe('`auto` writes lines for people on a terminal and JSON lines everywhere else.'),
  requests: flag()
    .prefault(false)
    .describe('One line for each request, those answered from memory included.'),
})

const originName = /^(?!(?:direct|off)$)[A-Za-z0-9][A-Za-z0-9._-]*$/

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
    .describe('The module endpoints live below this path, so that GOPROXY is `publicUrl` + `pathPrefix`.'),
  tls: tls.optional().describe('Serve https. `go` sends credentials over nothing else.'),
  dataDir: path('a folder')
    .prefault('./modstead-data')
    .describe('Folder with everything that is stored. One modstead uses it at a time.'),
  memory: size({ min: 0, max: TIB, upTo: '1TiB' })
    .prefault('128MiB')
    .describe('Ready answers kept in memory, all together at most.'),
  origins: z
    .record(z.string().regex(originName), originSchema)
    .optional()
    .describe(
      'Where modules come from, by a name of your choice (letters, digits, `.`, `_`, `-`). Default: the proxies of GOPROXY.',
    ),
  tokens: z
    .record(z.string().regex(originName), tokenSchema)
    .optional()
    .describe(
      'Who may publish and delete versions, by a name of your choice that is recorded with what was done. Default: nobody may.',
    ),
  routes: z
    .array(routeSchema)
    .optional()
    .describe(
      'Which modules come from where. The first route whose pattern matches decides; a last one for `*` is implied. Default: GOPRIVATE, GONOPROXY and GONOSUMDB.',
    ),
  sumdb: texts('a checksum database as in GOSUMDB ("sum.golang.org", "KEY" or "KEY URL"), or "off"')
    .optional()
    .describe(
      'Checksum databases that prove public modules and are mirrored for clients, each written as for GOSUMDB; the first is the default one. Default: GOSUMDB.',
    ),
  lookAhead: lookAhead.prefault({}).describe('How much is fetched before it is asked for.'),
  log: log.prefault({}).describe('What is written to standard output.'),
  shutdownGrace: duration({ min: 0 })
    .prefault('20s')
    .describe('How long running requests may take to finish after SIGTERM.'),
})

/** A configuration file as it was read: units are converted, defaults filled in, nothing is resolved yet. */
export type FileConfig = z.output<typeof configSchema>
export type FileOrigin = z.output<typeof originSchema>
export type FileRoute = z.output<typeof routeSchema>
