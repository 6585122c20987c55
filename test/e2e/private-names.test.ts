// Promise 5: private names never leave, whatever asks for them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPrivateHosts } from '../support/private-hosts.ts'
import { setStage } from '../support/stage.ts'
import { makeModule, putModule } from '../support/test-module.ts'
import { startUpstream } from '../support/upstream.ts'

test('no private name, nor a parent path of one below its host, reaches an upstream or a database', async (t) => {
  const stage = await setStage(t, {
    modstead: { env: { GOPRIVATE: 'corp.example/team/secret,*.internal.example' } },
  })
  const names = [
    'corp.example/team/secret',
    'corp.example/team/secret/deep/module',
    'corp.example/team/secret/v2',
    // What `go` probes on its way to them.
    'corp.example/team',
    'git.internal.example',
    'git.internal.example/a/b',
  ]
  for (const module of names) {
    // An answer of the public upstream for a private name must not be served.
    const version = module.endsWith('/v2') ? 'v2.0.0' : 'v1.0.0'
    putModule(stage.tree, makeModule({ module, version }))
    const files = ['info', 'mod', 'zip'].map((kind) => `@v/${version}.${kind}`)
    for (const path of ['@v/list', '@latest', '@v/main.info', ...files]) {
      const { status } = await stage.get(`/${module}/${path}`)
      assert.ok(status === 404 || status === 502, `${module}/${path}: ${status}`)
    }
    for (const base of ['', `/sumdb/${stage.sumdb.name}`]) {
      const { status, body } = await stage.get(`${base}/lookup/${module}@${version}`)
      assert.equal(status, 403, `${base}/lookup/${module}`)
      assert.match(body.toString(), /GONOSUMDB|GOPRIVATE/)
    }
  }
  const go = await stage.go()
  assert.notEqual((await go.run(['list', '-m', 'corp.example/team/secret/deep/module@latest'])).code, 0)
  const asked = [...stage.upstream.requests, ...stage.database.requests].map(({ path }) => path)
  assert.deepEqual(
    asked.filter((path) => /corp\.example\/team|internal\.example/.test(path)),
    [],
  )
})

test('a private requirement of a public module is not looked up ahead', async (t) => {
  const stage = await setStage(t, { modstead: { env: { GOPRIVATE: 'corp.example' } } })
  const goMod = 'module example.com/public\n\ngo 1.21\n\nrequire corp.example/secret v1.0.0\n'
  putModule(stage.tree, makeModule({ module: 'example.com/public', version: 'v1.0.0', goMod }))
  assert.equal((await stage.get('/example.com/public/@v/v1.0.0.mod')).status, 200)
  assert.equal((await stage.get('/example.com/public/@v/v1.0.0.zip')).status, 200)
  // Look-ahead has had its time once a later public request is answered.
  putModule(stage.tree, makeModule({ module: 'example.com/other', version: 'v1.0.0' }))
  assert.equal((await stage.get('/example.com/other/@v/v1.0.0.zip')).status, 200)
  const asked = [...stage.upstream.requests, ...stage.database.requests].map(({ path }) => path)
  assert.deepEqual(
    asked.filter((path) => path.includes('corp.example')),
    [],
  )
})

test('a redirect of a repository does not lead beyond the hosts of its route', async (t) => {
  const stranger = await startUpstream({ answer: async () => undefined })
  t.after(() => stranger.close())
  const hosts = await startPrivateHosts(t, {
    ssh: false,
    route: 'hosts: [git.corp.example]',
    intercept: ({ path, query }) => ({
      kind: 'status',
      status: 301,
      headers: { location: `${stranger.url}${path}?${query}` },
    }),
  })
  const { status, body } = await hosts.stage.get('/corp.example/lib/@v/list')
  assert.equal(status, 502, body.toString())
  assert.match(body.toString(), /lib\.git is at 127\.0\.0\.1:\d+ now[^]*add that host to hosts of the route/)
  assert.equal(stranger.requests.length, 0)
})
