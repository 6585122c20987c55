// What each endpoint takes, written out by hand: the server is held against this, and not against its own tables.
import {
  type Asker,
  LOGS,
  MIRROR,
  type Permission,
  PUBLISHED,
  type SiteName,
  SITES,
} from './permission-stage.ts'

/** Who asks: somebody of the site, nobody, or whoever presents what proves nobody there. */
export type Who = Asker | 'unproven'

/** The statuses that may come. */
export type Rule = (who: Who, site: SiteName) => readonly number[]

export interface Row {
  /** As the metrics name it. */
  kind: string
  /** What it is called in the list of the code, where there is one. */
  name?: string
  method: string
  path: string | ((site: SiteName) => string)
  rule: Rule
  /** Default: all. */
  sites?: readonly SiteName[]
  headers?: Record<string, string>
  body?: string | Buffer
}

type About = 'no module' | 'team a' | 'team b'

function may(who: Asker, permission: Permission, about: About): boolean {
  if (!who.may.includes(permission)) return false
  if (who.of === 'all' || about === 'team a') return true
  // A token never does more than its owner may, so that this is about no module.
  return about === 'no module' && permission === 'token:create' && !who.narrowed
}

/** Whatever is presented. */
const everybody =
  (...statuses: number[]): Rule =>
  () =>
    statuses

/** Everybody but who presents what proves nobody. */
const unlessUnproven =
  (...statuses: number[]): Rule =>
  (who) =>
    who === 'unproven' ? [401] : statuses

/** The same; a site that lets nobody read without credentials shows nobody its pages. */
const page: Rule = (who, site) =>
  who !== 'unproven' && who.nobody && site === 'acme' ? [401] : unlessUnproven(200)(who, site)

const judged =
  (judge: (who: Asker) => readonly number[]): Rule =>
  (who) =>
    who === 'unproven' || who.nobody ? [401] : judge(who)

const somebody = (...statuses: number[]): Rule => judged(() => statuses)

const needs = (permission: Permission, about: About, ...statuses: number[]): Rule =>
  judged((who) => (may(who, permission, about) ? statuses : [403]))

const oneOf = (permissions: readonly Permission[], ...statuses: number[]): Rule =>
  judged((who) => (permissions.some((permission) => may(who, permission, 'no module')) ? statuses : [403]))

const readsPublic =
  (...statuses: number[]): Rule =>
  (who, site) => {
    if (who === 'unproven') return [401]
    if (site !== 'acme') return statuses
    if (who.nobody) return [401]
    return !who.narrowed || (who.may.includes('module:read') && who.of === 'all') ? statuses : [403]
  }

const rows: Row[] = []
const add = (...more: Row[]) => void rows.push(...more)
const get = (kind: string, path: Row['path'], rule: Rule, more: Partial<Row> = {}): Row => ({
  kind,
  method: 'GET',
  path,
  rule,
  ...more,
})

const FILES: readonly [kind: string, file: string][] = [
  ['list', '@v/list'],
  ['latest', '@latest'],
  ['latest', '@v/latest.info'],
  ['info', '@v/v1.0.0.info'],
  ['mod', '@v/v1.0.0.mod'],
  ['zip', '@v/v1.0.0.zip'],
  ['query', '@v/main.info'],
]
for (const [kind, file] of FILES) {
  const there = kind === 'query' ? [404] : [200]
  const none = file === '@v/list' ? [200, 404] : [404]
  for (const root of ['list', 'zip'].includes(kind) ? ['corp.example', 'up.example'] : ['corp.example'])
    for (const team of ['a', 'b'] as const) {
      add(get(kind, `/${root}/${team}/lib/${file}`, needs('module:read', `team ${team}`, ...there)))
      add(get(kind, `/${root}/${team}/nix/${file}`, needs('module:read', `team ${team}`, ...none)))
    }
  // Above the modules of a binding: absent for whoever may read below.
  add(
    get(
      kind,
      `/corp.example/${file}`,
      judged((who) => (who.may.includes('module:read') ? none : [403])),
    ),
  )
  add(get(kind, `/example.com/open/${file}`, readsPublic(...there)))
}

for (const { module, version, zip } of PUBLISHED) {
  const team = module.includes('/a/') ? 'team a' : 'team b'
  if (version === 'v1.0.0')
    add({
      kind: 'publish',
      method: 'PUT',
      path: `/${module}/@v/${version}.zip`,
      rule: needs('module:publish', team, 200),
      body: zip,
    })
  else
    add({
      kind: 'delete',
      method: 'DELETE',
      path: `/${module}/@v/${version}`,
      rule: needs('module:delete', team, 200),
      headers: { 'modstead-reason': 'a test' },
    })
}

const atRoot = { sites: ['root'] } as const
const atTenants = { sites: ['acme', 'beta'] } as const

// Checksum databases: the mirror of a public one everywhere, the log of its own at the root.
for (const start of ['', `/sumdb/${MIRROR}`])
  add(
    get('tree_head', `${start}/latest`, unlessUnproven(200)),
    get('lookup', `${start}/lookup/example.com/open@v1.0.0`, readsPublic(200)),
    get('lookup', `${start}/lookup/corp.example/b/lib@v1.0.0`, needs('module:read', 'team b', 403)),
    get('tile', `${start}/tile/8/0/000.p/1`, unlessUnproven(200)),
    get('tile', `${start}/tile/8/data/000.p/1`, unlessUnproven(200)),
  )
add(
  get('supported', `/sumdb/${MIRROR}/supported`, unlessUnproven(200)),
  ...(['root', 'acme'] as const).flatMap((site) => logRows(`/sumdb/${LOGS[site]}`, { sites: [site] })),
  ...(['root', 'acme'] as const).flatMap((site) => viewRows(`/tlog/${LOGS[site]}`, { sites: [site] })),
  // That of another is not there.
  ...(['root', 'acme'] as const).flatMap((site) => {
    const sites = SITES.filter((other) => other !== site)
    return ['sumdb', 'tlog'].flatMap((start) =>
      ['latest', 'index', 'lookup/corp.example/a/lib@v1.0.0'].map((what) =>
        get('other', `/${start}/${LOGS[site]}/${what}`, everybody(404), { sites }),
      ),
    )
  }),
)

/** What `go` asks of a log of its own. */
function logRows(start: string, at: Partial<Row>): Row[] {
  return [
    get('supported', `${start}/supported`, unlessUnproven(200), at),
    get('tree_head', `${start}/latest`, unlessUnproven(200), at),
    get('tile', `${start}/tile/8/0/000.p/1`, unlessUnproven(200), at),
    get('tile', `${start}/tile/8/data/000.p/1`, needs('audit:read', 'no module', 200), at),
    get('lookup', `${start}/lookup/corp.example/a/lib@v1.0.0`, needs('module:read', 'team a', 200), at),
    get('lookup', `${start}/lookup/corp.example/b/lib@v1.0.0`, needs('module:read', 'team b', 200), at),
    get('lookup', `${start}/lookup/corp.example/b/nix@v1.0.0`, needs('module:read', 'team b', 404), at),
  ]
}

/** What those ask of it who check it. */
function viewRows(start: string, at: Partial<Row>): Row[] {
  const view = (name: string, path: string, rule: Rule) =>
    get('log', `${start}/${path}`, rule, { name, ...at })
  return [
    view('checkpoint', 'checkpoint', everybody(200)),
    view('witnesses', 'witnesses', everybody(200)),
    view('proof/inclusion', 'proof/inclusion?id=0', everybody(200)),
    view('proof/consistency', 'proof/consistency?from=1', everybody(200)),
    view('index', 'index', needs('audit:read', 'no module', 200)),
    view('tile', 'tile/0/000.p/1', everybody(200)),
    view('tile', 'tile/entries/000.p/1', needs('audit:read', 'no module', 200)),
  ]
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const form = (name: string, path: string, body: string, status: number): Row => ({
  kind: 'auth',
  name,
  method: 'POST',
  path,
  rule: everybody(status),
  headers: FORM,
  body,
})
add(
  get('auth', '/.well-known/oauth-authorization-server', everybody(200), {
    name: '/.well-known/oauth-authorization-server',
  }),
  get('auth', '/auth/whoami', somebody(200), { name: '/auth/whoami' }),
  form('/auth/device', '/auth/device', 'client_id=x', 401),
  form('/auth/token', '/auth/token', 'client_id=modstead&grant_type=x', 400),
  form('/auth/revoke', '/auth/revoke', 'token=x', 200),
  get('auth', '/auth', everybody(303), { name: 'page ' }),
  get('auth', '/auth/', everybody(303), { name: 'page /' }),
  get('auth', '/auth/signin', everybody(200), { name: 'page /signin' }),
  get('auth', '/auth/signin/none', everybody(404)),
  get('auth', '/auth/callback/none', everybody(404)),
  get('auth', '/auth/device', everybody(303), { name: 'page /device' }),
  get('auth', '/auth/signout', everybody(303), { name: 'page /signout' }),
  form('page /signin', '/auth/signin', 'user=ann&password=x', 403),
  form('page /device/confirm', '/auth/device/confirm', 'user_code=x', 403),
  form('page /sessions/end', '/auth/sessions/end', 'of=browser', 403),
  form('page /signout', '/auth/signout', '', 403),
  form('', '/auth/backchannel-logout/none', 'logout_token=x', 404),
)

const api = (what: string, path: Row['path'], rule: Rule, body?: object): Row => {
  const [method = '', template = ''] = what.split(' ')
  return {
    kind: 'api',
    name: what,
    method,
    path: typeof path === 'string' ? `/api/v1${path}` : (site) => `/api/v1${path(site)}`,
    rule,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    ...(template === '' && { sites: [] }),
  }
}
const audit = (...statuses: number[]) => needs('audit:read', 'no module', ...statuses)
/** The id of a token or session that is not there. */
export const NONE = '4Kq0Zx81mBvT'
const sees = (who: Asker) => may(who, 'audit:read', 'no module') || may(who, 'policy:write', 'no module')

/** The rows about the ids of tokens that are there: of the site itself, and of another. */
export function tableWith(spare: Readonly<Record<SiteName, string>>): readonly Row[] {
  const own = (site: SiteName) => `/tokens/${spare[site]}`
  const elsewhere = (site: SiteName) => `/tokens/${spare[site === 'acme' ? 'root' : 'acme']}`
  return [
    ...rows,
    api(
      'GET /tokens/{id}',
      own,
      judged((who) => (sees(who) ? [200] : [404])),
    ),
    api('GET /tokens/{id}', elsewhere, somebody(404)),
    api('DELETE /tokens/{id}', elsewhere, somebody(404)),
    api(
      'DELETE /tokens/{id}',
      own,
      judged((who) => (may(who, 'policy:write', 'no module') ? [200] : sees(who) ? [403] : [404])),
    ),
  ]
}

const MADE_UP = { note: 'x' }
const A = 'up.example/a/lib'
const B = 'up.example/b/lib'
add(
  api('GET /openapi.json', '/openapi.json', everybody(200)),
  api('GET /whoami', '/whoami', somebody(200)),
  api('GET /tokens', '/tokens', oneOf(['audit:read', 'policy:write', 'token:create'], 200)),
  api('GET /tokens', '/tokens?owner=user:else', oneOf(['audit:read', 'policy:write'], 200)),
  api('POST /tokens', '/tokens', needs('token:create', 'no module', 201), MADE_UP),
  api(
    'POST /tokens',
    '/tokens',
    judged((who) =>
      may(who, 'token:create', 'no module') && may(who, 'policy:write', 'no module') ? [201] : [403],
    ),
    { ...MADE_UP, for: 'user:else' },
  ),
  api('GET /tokens/{id}', `/tokens/${NONE}`, somebody(404)),
  api('DELETE /tokens/{id}', `/tokens/${NONE}`, somebody(404)),
  api(
    'GET /sessions',
    '/sessions',
    judged((who) => (sees(who) || !who.narrowed ? [200] : [403])),
  ),
  api('GET /sessions', '/sessions?subject=user:else', oneOf(['audit:read', 'policy:write'], 200)),
  api('DELETE /sessions/{id}', `/sessions/${NONE}`, somebody(404)),
  api('GET /configuration', '/configuration', audit(200)),
  api('GET /roles', '/roles', audit(200)),
  api('GET /bindings', '/bindings', audit(200)),
  api('GET /groups', '/groups', audit(200)),
  api('GET /services', '/services', audit(200)),
  api('GET /principals/{subject}', '/principals/user:ann', audit(200)),
  api('GET /access/check', '/access/check?subject=user:ann', audit(200)),
  api('GET /incidents', '/incidents', audit(200)),
  api('GET /incidents/{id}', '/incidents/inc-0000-0000', audit(404)),
  api('POST /incidents/{id}/ack', '/incidents/inc-0000-0000/ack', audit(404), MADE_UP),
  api('GET /acts', '/acts', audit(200)),
  ...(['a', 'b'] as const).map((team) =>
    api(
      'POST /cache/refresh',
      '/cache/refresh',
      // What comes back is a list, which takes the right to read the module.
      judged((who) =>
        may(who, 'cache:manage', 'no module') && may(who, 'module:read', `team ${team}`) ? [200] : [403],
      ),
      { module: `corp.example/${team}/lib` },
    ),
  ),
  api('GET /promotions', '/promotions', audit(200)),
  api('POST /promotions', '/promotions', needs('module:publish', 'team a', 201), {
    module: A,
    version: 'v1.0.0',
  }),
  api('POST /promotions', '/promotions', needs('module:publish', 'team b', 201), {
    module: B,
    version: 'v1.0.0',
  }),
)

add(
  get('page', '/', page),
  get('page', '/settings', page),
  ...['/healthz', '/readyz', '/metrics'].flatMap((path) => [
    get('page', path, everybody(200), atRoot),
    get('other', path, everybody(404), atTenants),
  ]),
  {
    kind: 'hook',
    method: 'POST',
    path: '/hooks/forge',
    rule: everybody(403),
    headers: { 'content-type': 'application/json' },
    body: '{}',
  },
  {
    kind: 'hook',
    method: 'POST',
    path: '/hooks/none',
    rule: everybody(404),
    headers: { 'content-type': 'application/json' },
    body: '{}',
  },
  // Import paths are those of a host, which a tenant below a path has not.
  get('vanity', '/lib?go-get=1', everybody(200, 404)),
  // The root has a rule for all paths of its host, below which what there is besides must still be found.
  get('vanity', '/nothing/here', everybody(200), atRoot),
  get('other', '/nothing/here', everybody(404), atTenants),
  get('other', '/api/v1/nothing', everybody(404)),
  get('other', '/t/unknown/corp.example/a/lib/@v/list', everybody(404)),
)
