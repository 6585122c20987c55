// The map of versions as the real `go` meets it: what `latest` is, what is refused, and what is retracted.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runCommand } from '../support/command.ts'
import { createGoHome, type GoHome } from '../support/go.ts'
import { makeModule, putModule } from '../support/test-module.ts'
import { bearer, SECRETS, send, setTenants, type TenantsStage } from '../support/tenants.ts'

const MODULE = 'corp.example/lib'
const VERSIONS = ['v1.3.0', 'v1.4.2', 'v1.5.0']

interface Place extends TenantsStage {
  /** A `go` that uses the tenant acme, at its path. */
  go(): Promise<GoHome>
  get(path: string): ReturnType<typeof send>
  promote(version: string): ReturnType<typeof send>
}

/** acme with these entries in its map. Anybody reads, so that `go` needs no TLS. */
async function place(t: TestContext, versions: string): Promise<Place> {
  const stage = await setTenants(t, { open: true, more: versions })
  for (const version of VERSIONS) putModule(stage.trees.acme, makeModule({ module: MODULE, version }))
  const { port, url } = stage.modstead
  return {
    ...stage,
    async go() {
      const home = await createGoHome({ proxy: `${url}/t/acme` })
      t.after(() => home.close())
      return home
    },
    get: (path) => send(port, `/t/acme${path}`, { headers: bearer(SECRETS.acme) }),
    promote: (version) =>
      send(port, '/t/acme/api/v1/promotions', {
        method: 'POST',
        headers: { ...bearer(SECRETS.acme), 'content-type': 'application/json' },
        body: JSON.stringify({ module: MODULE, version, note: 'tried' }),
      }),
  }
}

async function writeConfig(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-map-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'modstead.yaml'), text)
  return join(folder, 'modstead.yaml')
}

/** What `go get` takes for a query, in a module that requires `has`. */
async function resolved(go: GoHome, query: string, has?: string): Promise<string> {
  const cwd = await go.project()
  if (has !== undefined) await go.ok(['mod', 'edit', `-require=${MODULE}@${has}`], { cwd })
  await go.ok(['get', `${MODULE}@${query}`], { cwd })
  return (await go.ok(['list', '-m', '-f', '{{.Version}}', MODULE], { cwd })).trim()
}

test('latest and upgrade are the held version, and others can be had by name unless it is enforced', async (t) => {
  const { go } = await place(t, `versions: [{ modules: ${MODULE}, version: v1.4.2 }]`)
  const home = await go()
  assert.equal(await resolved(home, 'latest'), 'v1.4.2')
  assert.equal(await resolved(home, 'upgrade', 'v1.3.0'), 'v1.4.2')
  assert.equal(await resolved(home, 'v1.5.0'), 'v1.5.0')
  assert.equal(await home.ok(['list', '-m', '-versions', MODULE], {}), `${MODULE} v1.4.2\n`)
})

test('an enforced map refuses the zips of other versions with the reason, and version selection works on', async (t) => {
  const { go, trees, get } = await place(
    t,
    `versions: [{ modules: ${MODULE}, version: v1.4.2, enforce: true }]`,
  )
  const user = makeModule({
    module: 'corp.example/user',
    version: 'v1.0.0',
    goMod: `module corp.example/user\n\ngo 1.21\n\nrequire ${MODULE} v1.3.0\n`,
  })
  putModule(trees.acme, user)
  const home = await go()
  const cwd = await home.project({
    'main.go': `package main\n\nimport _ "${MODULE}"\nimport _ "corp.example/user"\n\nfunc main() {}\n`,
  })
  // The go.mod of the version that loses is read, and its zip is not needed.
  await home.ok(['get', `${MODULE}@latest`, 'corp.example/user@v1.0.0'], { cwd })
  await home.ok(['build', './...'], { cwd })
  assert.match(await home.ok(['list', '-m', 'all'], { cwd }), /corp\.example\/lib v1\.4\.2\n/)
  const refused = await home.run(['mod', 'download', `${MODULE}@v1.5.0`])
  assert.notEqual(refused.code, 0)
  assert.match(refused.stderr, /403 Forbidden/)
  assert.match(
    refused.stderr,
    /corp\.example\/lib@v1\.5\.0 is not what is used here: corp\.example\/lib is held at one version, v1\.4\.2/,
  )
  assert.match(refused.stderr, /go get corp\.example\/lib@v1\.4\.2/)
  assert.equal((await get(`/${MODULE}/@v/v1.5.0.mod`)).status, 200)
  assert.equal((await get(`/${MODULE}/@v/v1.5.0.info`)).status, 200)
})

test('an entry begins while the server runs, for what was remembered too', async (t) => {
  const begins = Date.now() + 6_000
  const { get } = await place(
    t,
    `versions: [{ modules: ${MODULE}, version: v1.4.2, from: "${new Date(begins).toISOString()}", enforce: true }]`,
  )
  const asked = [`/${MODULE}/@v/list`, `/${MODULE}/@latest`, `/${MODULE}/@v/v1.5.0.zip`]
  const before = Date.now()
  const first = await Promise.all(asked.map(get))
  await Promise.all(asked.map(get))
  // Where the machine was too slow for that, the entry had begun already.
  if (Date.now() < begins && before < begins) {
    assert.equal(first[0]!.text, `${VERSIONS.join('\n')}\n`)
    assert.equal(first[2]!.status, 200)
  }
  while (Date.now() <= begins) await new Promise((resolve) => setTimeout(resolve, 50))
  const [list, latest, zip] = await Promise.all(asked.map(get))
  assert.equal(list!.text, 'v1.4.2\n')
  assert.match(latest!.text, /"v1\.4\.2"/)
  assert.equal(zip!.status, 403)
})

test('the stable version: promoted over the API and by the command, for this tenant only', async (t) => {
  const { go, get, promote, modstead } = await place(
    t,
    `versions: [{ modules: ${MODULE}, version: STABLE, enforce: true }]\nstableQuery: true`,
  )
  const { port, dataDir } = modstead
  const home = await go()
  const nothing = await home.run(['get', `${MODULE}@latest`], { cwd: await home.project() })
  assert.notEqual(nothing.code, 0)
  assert.match(nothing.stderr, /none was promoted yet/)
  const promoted = await promote('v1.5.0')
  assert.equal(promoted.status, 201, promoted.text)
  // Remembered by now, and gone at once with the next promotion.
  for (let i = 0; i < 3; i++) assert.equal((await get(`/${MODULE}/@v/v1.5.0.zip`)).status, 200)
  assert.equal((await promote('v1.4.2')).status, 201)
  assert.equal((await get(`/${MODULE}/@v/list`)).text, 'v1.4.2\n')
  assert.equal((await get(`/${MODULE}/@v/v1.5.0.zip`)).status, 403)
  assert.equal(await resolved(await go(), 'stable'), 'v1.4.2')
  assert.equal(await resolved(await go(), 'latest'), 'v1.4.2')

  // The command takes what was seen before.
  assert.equal((await get(`/${MODULE}/@v/v1.3.0.info`)).status, 200)
  const config = await writeConfig(t, 'tenants: { acme: {}, beta: {} }\n')
  const command = await runCommand(
    [
      'promote',
      `${MODULE}@v1.3.0`,
      '--tenant',
      'acme',
      '--note',
      'back',
      '--config',
      config,
      '--data-dir',
      dataDir,
    ],
    { cwd: dataDir, env: { USER: 'oncall' } },
  )
  assert.equal(command.code, 0, command.stderr)
  assert.match(
    command.stdout,
    /^pro-\w{4}-\w{4} corp\.example\/lib@v1\.3\.0 is the stable version for acme\n$/,
  )
  assert.match(command.stderr, /^warning: no entry of versions says STABLE for corp\.example\/lib for acme/)
  assert.equal((await get(`/${MODULE}/@v/list`)).text, 'v1.3.0\n')
  const unseen = ['promote', `${MODULE}@v1.9.9`, '--config', config, '--data-dir', dataDir, '--tenant']
  for (const tenant of ['acme', 'beta']) {
    const { code, stderr } = await runCommand([...unseen, tenant], { cwd: dataDir })
    assert.notEqual(code, 0)
    assert.match(stderr, /corp\.example\/lib@v1\.9\.9 was never seen here/)
  }
  const forced = await runCommand([...unseen, 'beta', '--force'], { cwd: dataDir })
  assert.equal(forced.code, 0, forced.stderr)
  const list = JSON.parse((await get('/api/v1/promotions')).text) as {
    promotions: { version: string; who: string; note: string }[]
  }
  assert.deepEqual(
    list.promotions.map(({ version, who, note }) => [version, who, note]),
    [
      ['v1.3.0', 'user oncall', 'back'],
      ['v1.4.2', 'admin', 'tried'],
      ['v1.5.0', 'admin', 'tried'],
    ],
  )
  const beta = await send(port, '/t/beta/api/v1/promotions', { headers: bearer(SECRETS.beta) })
  assert.deepEqual(
    (JSON.parse(beta.text) as typeof list).promotions.map(({ version }) => version),
    ['v1.9.9'],
  )
  // What is not there is not promoted, and nobody promotes without the right to publish.
  assert.equal((await promote('v1.9.9')).status, 404)
  assert.equal((await promote('v2.0.0')).status, 400)
  const stranger = await send(port, '/t/acme/api/v1/promotions', {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(stranger.status, 401)
  for (const [wrong, reason] of [
    [['promote', `${MODULE}@v1.3`], /is not a version of a module/],
    [['promote', `${MODULE}@v9.9.9`], /from v2 on the path of a module ends in its major version/],
    [
      ['promote', `${MODULE}@v1.3.0`, '--tenant', 'acmee', '--config', config],
      /has no tenant "acmee"; did you mean "?acme/,
    ],
  ] as const) {
    const failed = await runCommand([...wrong, '--data-dir', dataDir], { cwd: dataDir })
    assert.equal(failed.code, 2, failed.stderr)
    assert.match(failed.stderr, reason)
  }
})

test('retractions stay visible where the newest version retracts itself', async (t) => {
  const { go, trees } = await place(t, `versions: [{ modules: ${MODULE}, version: v1.4.2 }]`)
  putModule(
    trees.acme,
    makeModule({
      module: MODULE,
      version: 'v1.5.1',
      goMod: `module ${MODULE}\n\ngo 1.21\n\nretract v1.3.0 // loses data\n\nretract v1.5.1 // only says what is retracted\n`,
    }),
  )
  const home = await go()
  assert.equal(await resolved(home, 'latest'), 'v1.4.2')
  const cwd = await home.project()
  await home.ok(['get', `${MODULE}@v1.3.0`], { cwd })
  const said = await home.ok(
    ['list', '-m', '-u', '-retracted', '-f', '{{.Version}} {{.Retracted}} {{.Update}}', MODULE],
    { cwd },
  )
  assert.match(said, /^v1\.3\.0 \[loses data\] corp\.example\/lib@?.*v1\.4\.2/)
})
