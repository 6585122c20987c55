/** What the page docs/configuration.md says besides the tables, in the order of what a reader wants to do. */

export interface Section {
  title: string
  /** Markdown. Every block of YAML in it is loaded by a test. */
  text: string
  /** Keys of the file whose tables follow. */
  keys: readonly string[]
}

export const INTRODUCTION = `
# Configuration

<!-- Written by \`npm run docs\` from server/src/config/schema.ts and scripts/config-reference-text.ts. -->

modstead needs no configuration: without any, it fetches what \`go\` on this machine would fetch and listens on
\`127.0.0.1:6637\`. Everything else goes into one YAML file in which every key is optional:

\`\`\`yaml
# modstead.yaml
listen: :6637
publicUrl: http://go.corp.example:6637
dataDir: /var/lib/modstead
\`\`\`

\`\`\`sh
modstead serve --config modstead.yaml
\`\`\`

A \`modstead.yaml\` in the folder modstead is started in is used without \`--config\`; the banner and the first log line
say so.

## Find mistakes

- \`modstead config check [FILE]\` names every mistake with file, line, column and the nearest known key, and exits
  with 2 if there is one. modstead never starts on a file with a mistake, and passes over no key it does not know.
- \`modstead config show [FILE]\` prints what is in effect, all defaults written out, and no secrets; \`--json\` for
  programs.
- \`modstead config schema\` prints the JSON Schema, with which editors complete and check the file.

Exit codes of all commands: 0 done, 1 failed, 2 wrong usage or configuration.

## Where values come from

Flags win over environment variables, variables over the file, and the file over what \`go\` on this machine is set up
to do. An empty variable counts as not set. Relative paths start at the folder of the file, or, in flags and variables,
at the working folder.

{settings}

\`--upstream\` is a list as in GOPROXY: URLs (or names of configured origins) separated by \`,\` (the next is asked when a
module is absent) or \`|\` (after any failure), ended by \`direct\` or \`off\`. It stands in for the list of the route for
everything, \`*\`; other routes stay. \`direct\` is the module's own git repository, found as \`go\` finds it.

What neither flags, variables nor the file say is read as \`go\` reads it: from its environment variables, then from the
file that \`go env -w\` writes, then from its defaults.

| from \`go\` | used for | unless |
|---|---|---|
| \`GOPROXY\` | the list of the route for everything | \`--upstream\`, or the file has \`origins\` that are not all for private routes |
| \`GONOPROXY\`, else \`GOPRIVATE\` | private routes with \`direct\` alone | the file has \`routes\` |
| \`GONOSUMDB\`, else \`GOPRIVATE\` | routes without a checksum database | the file has \`routes\` |
| \`GOSUMDB\` | the checksum database | the file has \`sumdb\` |

## Keep secrets out of the file

\`\${NAME}\` in any text is replaced by the environment variable; one that is not set is a mistake. \`$\${\` stands for
\`\${\` itself. Passwords and tokens may also be \`file:PATH\`, such as a mounted secret; a line break at the end of the
file is not part of it. No secret is ever shown: not by \`config show\`, not in errors, not in logs.

\`\`\`yaml
origins:
  corp:
    url: https://go.corp.example
    credentials: { username: ci, password: "file:/run/secrets/go-proxy" }
\`\`\`

## Units

Durations: \`250ms\`, \`60s\`, \`5m\`, \`1h30m\`, \`7d\`, or a number of seconds. Sizes: \`64KiB\`, \`128MiB\`, \`1GiB\`
(powers of 1024), \`500MB\` (powers of 1000), or a number of bytes.
`

export const SECTIONS: readonly Section[] = [
  {
    title: 'Let clients reach it',
    text: `
\`publicUrl\` is what clients write into GOPROXY: set it when they use a name, a reverse proxy or a socket. Serve TLS, or
stand behind something that does, as soon as clients sign in: \`go\` sends credentials only over https.

\`\`\`yaml
listen: [":443", "unix:/run/modstead.sock"]
publicUrl: https://go.corp.example
tls: { cert: /etc/modstead/tls.crt, key: /etc/modstead/tls.key }
\`\`\`

Behind a reverse proxy, name its addresses in \`trustedProxies\`, so that clients are told apart: limits, and addresses that
are closed after wrong passwords, count the client that the proxy names. From anybody else such headers mean nothing.

\`\`\`yaml
listen: 10.0.0.5:6637
publicUrl: https://go.corp.example
trustedProxies: [10.0.0.0/24, "::1", unix]
\`\`\`
`,
    keys: ['listen', 'publicUrl', 'pathPrefix', 'tls', 'trustedProxies', 'forwardedHeader', 'forwardedHost'],
  },
  {
    title: 'Choose where data lies and how much memory it takes',
    text: `
The data folder holds everything: module files, laid out as \`GOPROXY=file://\` reads them, and the catalog. Memory holds
answers that are asked for often; nothing is lost when it is small.
`,
    keys: ['dataDir', 'memory'],
  },
  {
    title: 'Say where modules come from',
    text: `
An origin is another module proxy, or the repositories themselves (\`type: git\`, below). Without routes, all proxies are asked in the order of the file: any failure of one
lets the next be asked. Names are yours; they appear in logs, metrics and error messages.

\`\`\`yaml
origins:
  public: { url: https://proxy.golang.org }
  mirror: { url: https://goproxy.io }
\`\`\`

Upstreams that want to know who asks, or that have a certificate of your own authority:

\`\`\`yaml
origins:
  artifactory:
    url: https://artifactory.corp.example/api/go/go
    credentials: { token: "\${ARTIFACTORY_TOKEN}" }
    ca: /etc/ssl/corp.pem
    timeouts: { headers: 2m }
    connections: 16
\`\`\`

HTTP_PROXY, HTTPS_PROXY and NO_PROXY hold for origins as they do for \`go\`.
`,
    keys: ['origins'],
  },
  {
    title: 'Fetch from repositories',
    text: `
An origin of \`type: git\` finds repositories as \`go\` does: by the rules for github.com and others, by \`.git\` in a
path, and by go-import pages. With a private route that names it, its hosts are known from the patterns:

\`\`\`yaml
origins:
  gitlab: { type: git, credentials: { token: "\${GITLAB_TOKEN}" } }
routes:
  - { modules: [corp.example, "*.corp.example"], from: [gitlab], private: true }
\`\`\`

Where no page says where a repository is, or none is to be asked, \`repositories\` does. Every entry of \`credentials\` is
for the hosts it names and no others; [git-credentials.md](git-credentials.md) has an example of each kind.

\`\`\`yaml
origins:
  corp:
    type: git
    repositories: { "go.corp.example/*": "ssh://git@git.corp.example/platform/{path}" }
    credentials:
      - { for: git.corp.example, sshKey: /etc/modstead/id_ed25519, knownHosts: /etc/modstead/known_hosts }
      - { for: github.com/corp, githubApp: { appId: 12345, privateKey: /etc/modstead/app.pem } }
  direct: { type: git, timeouts: { fetch: 20m } }
routes:
  - { modules: [go.corp.example, "github.com/corp/*"], from: [corp], private: true }
\`\`\`

What a host that is not configured says is never followed to a private address. \`direct\` at the end of an origin list
means repositories as well; an origin called \`direct\` says how they are fetched then.
`,
    keys: ['origins.GIT'],
  },
  {
    title: 'Send some modules elsewhere, and keep names private',
    text: `
Routes say which modules come from where. The first whose pattern matches decides; what none matches goes to the route
for everything, \`*\`, which is implied. A private route keeps names to itself: modules under its patterns, and the parent
paths that \`go\` asks for on its way to them, are never asked of other origins or of a checksum database.

\`\`\`yaml
origins:
  public: { url: https://proxy.golang.org }
  athens: { url: https://athens.corp.example }
routes:
  - { modules: [corp.example, "*.corp.example"], from: [athens], private: true }
  - { modules: "github.com/corp/*", from: [public], fresh: 10s }
\`\`\`

Clients must know private patterns too, since \`go\` asks checksum databases by itself: the banner prints the
\`go env -w GONOSUMDB=…\` line for them. With a [checksum database of your own](#run-a-checksum-database-of-your-own)
they need not: it proves private modules, too. A client with GOPRIVATE would pass modstead by; it needs GONOPROXY=none.

With a list, \`fallback: absent\` asks the next origin only when a module is absent: an outage is then an error instead of
another origin's answer.
`,
    keys: ['routes'],
  },
  {
    title: 'Take in what builds publish',
    text: `
An origin of type \`upload\` stands for what is published to modstead itself. Routes name it, and tokens say who may
publish and delete: see [Publishing](publishing.md).

\`\`\`yaml
origins:
  releases: { type: upload }
tokens:
  ci: { token: "\${CI_TOKEN}", may: [publish] }
  ops: { token: "\${OPS_TOKEN}", may: [publish, delete] }
routes:
  - { modules: go.corp.example, from: [releases], private: true }
\`\`\`
`,
    keys: ['tokens'],
  },
  {
    title: 'Decide who reads what',
    text: `
Without \`access\` everybody may read everything. With it, private modules are for those whom a binding lets read them:
see [Access](access.md).

\`\`\`yaml
access:
  htpasswd: /etc/modstead/users.htpasswd
  groups: { team-a: [alice, bob] }
  bindings:
    - { to: "group:team-a", role: developer, modules: corp.example/team-a }
routes:
  - { modules: corp.example, from: [direct], private: true }
\`\`\`
`,
    keys: ['access'],
  },
  {
    title: 'Record who did what',
    text: `
A tamper-evident record of authentications, refusals, downloads, publications and administrative acts: see
[Audit](audit.md).

\`\`\`yaml
audit:
  downloads: all
  sinks:
    siem: { type: syslog, url: "tls://logs.corp.example:6514" }
\`\`\`
`,
    keys: ['audit'],
  },
  {
    title: 'Prove what is served',
    text: `
Each version of a public module is compared with a checksum database before a client gets the whole of it. The databases
are mirrored too: clients ask modstead instead of them, at \`/sumdb/NAME/\`. \`off\` proves nothing.

\`\`\`yaml
sumdb: sum.golang.org https://sum.golang.google.cn
\`\`\`
`,
    keys: ['sumdb'],
  },
  {
    title: 'Run a checksum database of your own',
    text: `
One signed log proves public and private modules, so that no client needs GONOSUMDB: see
[checksum-database.md](checksum-database.md). \`modstead sumdb init\` makes the key.

\`\`\`yaml
checksumLog:
  key: file:/etc/modstead/sumdb.key
  highWater: /mnt/other-disk/modstead-high-water
\`\`\`
`,
    keys: ['checksumLog'],
  },
  {
    title: 'Keep repositories whole',
    text: `
Every tagged version of every module in these repositories is fetched before anyone asks: when modstead starts, now and
then, and when a [push hook](hooks.md) says that something changed.

\`\`\`yaml
mirror:
  modules: [corp.example/lib, corp.example/tools]
  every: 1h
\`\`\`

\`clones\` bounds what modstead keeps of repositories to make versions from. What was made is in the store, and stays.
`,
    keys: ['clones', 'mirror'],
  },
  {
    title: 'Give modules a name of your own host',
    text: `
With a host name that leads to modstead, import paths need not name the git server: [vanity.md](vanity.md) has the rest.

\`\`\`yaml
publicUrl: https://go.corp.example
origins:
  gitlab:
    type: git
    repositories: { "go.corp.example/*": "https://git.corp.example/go/{path}" }
    credentials: { token: "\${GITLAB_TOKEN}" }
routes:
  - { modules: go.corp.example, from: [gitlab], private: true }
vanity:
  - { modules: "go.corp.example/*", repository: "https://git.corp.example/go/{path}", source: gitlab }
\`\`\`

The rule says where the repositories are; the route keeps the names to your own server.
`,
    keys: ['vanity'],
  },
  {
    title: 'Hear of pushes',
    text: `
A git server that says when something was pushed makes new versions visible at once: [hooks.md](hooks.md) has the rest.

\`\`\`yaml
hooks:
  gitlab: { type: gitlab, secret: "\${HOOK_SECRET}" }
\`\`\`
`,
    keys: ['hooks'],
  },
  {
    title: 'Say what the latest version is',
    text: `
With a map of versions \`latest\` is what you have tried, not what was tagged last: [tenants.md](tenants.md) has the rest.

\`\`\`yaml
versions:
  - { modules: corp.example/lib, version: STABLE }
  - { modules: example.com/parser, version: v1.4.2, from: 2026-12-01T00:00:00Z, enforce: true }
\`\`\`
`,
    keys: ['versions', 'stableQuery'],
  },
  {
    title: 'Serve several tenants',
    text: `
Each tenant has modules, access and rules of its own, and nothing of another's can be seen there:
[tenants.md](tenants.md) has the rest.

\`\`\`yaml
publicUrl: https://go.corp.example
tenants:
  acme:
    hosts: [go.acme.example]
    origins:
      git: { type: git, credentials: { token: "\${GITLAB_TOKEN}" } }
    routes:
      - { modules: acme.example, from: [git], private: true }
\`\`\`
`,
    keys: ['tenants'],
  },
  {
    title: 'Fetch ahead, or do not',
    text: `
\`go\` asks for one file after the other; modstead fetches what it will ask for next. \`concurrency: 0\` switches that off,
\`lookAhead: false\` in a route does for its modules.
`,
    keys: ['lookAhead'],
  },
  {
    title: 'Limit what clients take',
    text: `
Requests, bytes and fetches of each client, and when nothing new is fetched: [limits.md](limits.md) says what counts and
what a client sees.

\`\`\`yaml
limits:
  principal: { requests: 6000/1m, cold: 300/1m }
  address: { requests: 12000/1m }
  degraded: { eventLoop: 200ms, memory: 2GB }
\`\`\`
`,
    keys: ['limits'],
  },
  {
    title: 'Read what it does',
    text: `
Logs go to standard output, metrics for Prometheus are at \`/metrics\`.

\`\`\`yaml
log: { level: warn, format: json }
\`\`\`
`,
    keys: ['log'],
  },
  {
    title: 'Stop it',
    text: `
SIGTERM and SIGINT end modstead: it accepts nothing new, lets running requests finish, and exits with 0. A second signal,
half a second later or more, ends it at once with 1.
`,
    keys: ['shutdownGrace'],
  },
]
