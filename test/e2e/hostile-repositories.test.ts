// Repositories and hosts that mean harm: one sentence each, bounded work, nothing stored, others unharmed.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { checkModuleZip } from '@modstead/gomod/zip/check'
import type { Fault } from '../support/faults.ts'
import type { GitRequest } from '../support/git-http.ts'
import type { GitCommit, GitFiles } from '../support/git-repositories.ts'
import { startPrivateHosts, type PrivateHosts } from '../support/private-hosts.ts'
import { noise } from '../support/test-module.ts'

const GOOD: GitCommit = {
  files: { 'go.mod': 'module corp.example/good\n', 'a.go': 'package good\n' },
  tags: ['v1.0.0'],
}

async function hostsFor(
  t: TestContext,
  options: Parameters<typeof startPrivateHosts>[1] = {},
): Promise<PrivateHosts> {
  return startPrivateHosts(t, { ssh: false, ...options })
}

function module(files: GitFiles, tags = ['v1.0.0']): GitCommit {
  return { files: { 'go.mod': 'module corp.example/bad\n', 'a.go': 'package bad\n', ...files }, tags }
}

/** One sentence and the next step, and neither a secret nor a path of this machine. */
async function refused(
  { stage }: PrivateHosts,
  path: string,
  expected: { status: number; text: RegExp; within?: number },
): Promise<void> {
  const { status, body, took, headers } = await stage.get(path)
  const text = body.toString()
  assert.equal(status, expected.status, `${path}: ${status} ${text}`)
  assert.match(text, expected.text, path)
  assert.match(headers['content-type'] ?? '', /^text\/plain/)
  assert.ok(text.split('\n').length <= 4 && body.length <= 640, text)
  assert.doesNotMatch(text, /glpat-|b2F1dGgy|modstead-home-|\p{Cc}(?<!\n)/u)
  assert.ok(took < (expected.within ?? 60_000), `${path} took ${took} ms`)
}

async function served({ stage }: PrivateHosts, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    const { status, body } = await stage.get(path)
    assert.equal(status, 200, `${path}: ${status} ${body.toString().slice(0, 300)}`)
  }
}

/** No file of this version was kept, and no work is left lying about. */
async function assertNothingKept({ stage }: PrivateHosts, name: RegExp): Promise<void> {
  const { dataDir } = stage.modstead
  const files = await readdir(dataDir, { recursive: true })
  const clones = join('git', 'clones')
  assert.deepEqual(
    files.filter((file) => !file.startsWith(clones) && name.test(file)),
    [],
  )
  assert.deepEqual(await readdir(join(dataDir, 'git', 'scratch')), [])
  assert.deepEqual(
    files.filter((file) => file.startsWith(clones) && file.includes('tmp_')),
    [],
  )
}

test('names of refs are never commands, options or lines', async (t) => {
  const hosts = await hostsFor(t)
  const marker = join(await mkdtemp(join(tmpdir(), 'modstead-marker-')), 'ran')
  t.after(() => rm(join(marker, '..'), { recursive: true }))
  const { git } = await hosts.repository('http/bad', [module({}), { files: { 'b.go': 'package bad\n' } }])
  const names = [
    `$(touch\${IFS}${marker})`,
    '`id`',
    ';id',
    '--upload-pack=touch',
    '-rf',
    "it's",
    '"quoted"',
    'v1.1.0|id',
    'v1.2.0%0aid',
    'v9.9.9"; "',
  ]
  for (const name of names) {
    for (const kind of ['heads', 'tags'])
      await git.git(['update-ref', `refs/${kind}/${name.replaceAll(' ', '')}`, 'main'])
  }
  const list = await hosts.stage.get('/corp.example/bad/@v/list')
  assert.equal(list.body.toString(), 'v1.0.0\n')
  await served(hosts, '/corp.example/bad/@v/main.info', '/corp.example/bad/@v/v1.0.0.zip')
  for (const name of names) {
    const { status } = await hosts.stage.get(`/corp.example/bad/@v/${encodeURIComponent(name)}.info`)
    assert.ok([200, 400, 404].includes(status), `${name}: ${status}`)
  }
  assert.ok(!existsSync(marker))
})

test('20,000 refs are read in bounded time and memory', async (t) => {
  const hosts = await hostsFor(t)
  const { git, hashes } = await hosts.repository('http/bad', [module({})])
  await hosts.repository('http/good', [GOOD])
  await served(hosts, '/corp.example/good/@v/v1.0.0.zip')
  const lines = Array.from({ length: 20_000 }, (_, i) => `${hashes[0]} refs/tags/v1.${i}.0`).sort()
  await writeFile(join(git.folder, 'packed-refs'), `# pack-refs with: sorted\n${lines.join('\n')}\n`)
  const before = await hosts.stage.modstead.memory()
  const { body, status, took } = await hosts.stage.get('/corp.example/bad/@v/list')
  assert.equal(status, 200, body.toString().slice(0, 200))
  assert.equal(body.toString().split('\n').length, 20_001)
  await served(
    hosts,
    '/corp.example/bad/@v/v1.777.0.info',
    '/corp.example/bad/@v/main.info',
    '/corp.example/good/@v/list',
  )
  assert.ok(took < 30_000, `${took} ms`)
  const grown = (await hosts.stage.modstead.memory()) - before
  assert.ok(grown < 200 << 20, `${grown} bytes`)
})

test('a huge file beside go.mod is a module like any other, up to what go takes', async (t) => {
  const hosts = await hostsFor(t)
  await hosts.repository('http/bad', [
    module({ 'one.bin': Buffer.alloc(300 << 20) }),
    { ...module({ 'two.bin': Buffer.alloc(300 << 20, 1) }, ['v1.1.0']) },
  ])
  await hosts.repository('http/good', [GOOD])
  await served(hosts, '/corp.example/good/@v/v1.0.0.zip')
  const before = await hosts.stage.modstead.memory()
  await served(
    hosts,
    '/corp.example/bad/@v/v1.0.0.mod',
    '/corp.example/bad/@v/v1.0.0.zip',
    '/corp.example/bad/@v/v1.1.0.mod',
  )
  await refused(hosts, '/corp.example/bad/@v/v1.1.0.zip', {
    status: 502,
    text: /no zip can be made of corp\.example\/bad@v1\.1\.0 .*(too large|524288000)/,
  })
  const grown = (await hosts.stage.modstead.memory()) - before
  assert.ok(grown < 250 << 20, `${grown} bytes`)
  await assertNothingKept(hosts, /bad@v1\.1\.0|bad\/@v\/v1\.1\.0\.zip/)
})

test('what attributes, links and submodules ask for is not done', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-marker-'))
  t.after(() => rm(folder, { recursive: true }))
  const marker = join(folder, 'ran')
  const touch = `touch ${marker}`
  const settings = [
    '[filter "evil"]',
    `smudge = ${touch}`,
    `clean = ${touch}`,
    `process = ${touch}`,
    'required = true',
    '[diff "evil"]',
    `textconv = ${touch}`,
    '[core]',
    `fsmonitor = ${touch}`,
    `sshCommand = ${touch}`,
    `hooksPath = ${folder}`,
    '[uploadpack]',
    `packObjectsHook = ${touch}`,
  ]
  await writeFile(join(folder, 'gitconfig'), `${settings.join('\n')}\n`)
  const hosts = await hostsFor(t, {
    stage: {
      modstead: {
        env: {
          GIT_CONFIG_GLOBAL: join(folder, 'gitconfig'),
          GIT_SSH_COMMAND: touch,
          GIT_ASKPASS: touch,
          GIT_EXTERNAL_DIFF: touch,
        },
      },
    },
  })
  await hosts.repository('http/bad', [
    module({
      '.gitattributes': '* filter=evil diff=evil\n*.txt export-ignore\n',
      'kept.txt': 'kept\n',
      loop: { contents: 'loop', mode: '120000' },
      round: { contents: '.', mode: '120000' },
      out: { contents: '/etc/passwd', mode: '120000' },
      'up/link': { contents: '../../../../etc', mode: '120000' },
      '.gitmodules': `[submodule "x"]\n\tpath = sub\n\turl = ext::sh -c ${touch}%20\n[submodule "y"]\n\tpath = go.sum\n\turl = file:///etc\n`,
      sub: { contents: '1'.repeat(40), mode: '160000' },
      LICENSE: { contents: '2'.repeat(40), mode: '160000' },
      'nested/go.mod': { contents: '3'.repeat(40), mode: '160000' },
    }),
  ])
  const zip = await hosts.stage.get('/corp.example/bad/@v/v1.0.0.zip')
  assert.equal(zip.status, 200, zip.body.toString())
  const bytes = { size: zip.body.length, read: (at: number, n: number) => zip.body.subarray(at, at + n) }
  const report = checkModuleZip(bytes, { path: 'corp.example/bad', version: 'v1.0.0' })
  assert.deepEqual(report.invalid, [])
  assert.deepEqual(report.valid.map((name) => name.slice('corp.example/bad@v1.0.0/'.length)).sort(), [
    '.gitattributes',
    '.gitmodules',
    'a.go',
    'go.mod',
    'kept.txt',
  ])
  await served(hosts, '/corp.example/bad/@v/v1.0.0.mod', '/corp.example/bad/@v/list')
  assert.equal((await hosts.stage.get('/corp.example/bad/nested/@v/list')).status, 404)
  assert.ok(!existsSync(marker))
})

test('modules that break the rules are refused in one sentence', async (t) => {
  const hosts = await hostsFor(t)
  await hosts.repository('http/bad', [
    module({ 'A.go': 'package bad\n' }, ['v1.0.0']),
    module({ 'A.go': undefined, 'GO.MOD': 'module x\n' }, ['v1.1.0']),
    module({ 'GO.MOD': undefined, 'aux.go': 'package bad\n' }, ['v1.2.0']),
    module({ 'aux.go': undefined, 'go.mod': `module corp.example/bad\n//${'x'.repeat(20 << 20)}\n` }, [
      'v1.3.0',
    ]),
    module({ 'go.mod': 'module (((\n' }, ['v1.4.0']),
    module({ 'go.mod': 'module other.example/x/v7\n' }, ['v1.5.0']),
    module({ 'bad\u001b[31m\nname.go': 'package bad\n' }, [
      'v1.6.0',
      'v1',
      'v1.6',
      'release',
      'v1.7.0+meta',
      'v01.2.3',
      'V1.0.0',
      'vv1.0.0',
    ]),
  ])
  const table: [path: string, status: number, text: RegExp][] = [
    ['v1.0.0.zip', 502, /case-insensitive file name collision|A\.go/],
    ['v1.1.0.zip', 502, /GO\.MOD|go\.mod/],
    ['v1.2.0.zip', 502, /aux\.go/],
    ['v1.3.0.mod', 502, /larger than it may be/],
    ['v1.3.0.zip', 502, /larger than it may be/],
    ['v1.5.0.mod', 404, /declares other\.example\/x\/v7/],
    ['v1.6.0.zip', 502, /no zip can be made/],
  ]
  for (const [path, status, text] of table)
    await refused(hosts, `/corp.example/bad/@v/${path}`, { status, text })
  const list = (await hosts.stage.get('/corp.example/bad/@v/list')).body.toString()
  assert.deepEqual(
    list.trim().split('\n'),
    [0, 1, 2, 3, 4, 5, 6].map((minor) => `v1.${minor}.0`),
  )
  await assertNothingKept(hosts, /bad\/@v\/.*\.zip$/)
})

test('a repository that is larger than it may be leaves nothing on the disk', async (t) => {
  const hosts = await hostsFor(t, { origin: '    limits: { repository: 1MiB }\n' })
  await hosts.repository('http/bad', [module({ noise: noise(8 << 20, 'bad') })])
  await hosts.repository('http/good', [GOOD])
  await refused(hosts, '/corp.example/bad/@v/v1.0.0.zip', {
    status: 502,
    text: /larger than the 1048576 bytes .*\n.*limits\.repository/,
  })
  await served(hosts, '/corp.example/good/@v/v1.0.0.zip')
  await assertNothingKept(hosts, /bad\/@v\/./)
})

test('hosts that hang, never end or send nonsense are left in time, and others are served meanwhile', async (t) => {
  let fault: Fault | undefined
  const pack = { 'content-type': 'application/x-git-upload-pack-result' }
  const start = Buffer.from(
    '000dpackfile\n001e\u0001PACK\u0000\u0000\u0000\u0002\u0000\u0000\u0000\u0009aaaaaaaaaaaaaaa',
    'latin1',
  )
  const hosts = await hostsFor(t, {
    origin: '    timeouts: { idle: 2s, fetch: 6s, headers: 3s }\n',
    intercept: ({ kind, path }: GitRequest) =>
      path.startsWith('/bad') && kind === 'fetch' ? fault : undefined,
  })
  await hosts.repository('http/good', [GOOD])
  const table: [name: string, fault: Fault, status: readonly number[]][] = [
    ['a hang before the answer', { kind: 'hang' }, [504]],
    [
      'a hang in the middle',
      { kind: 'stall', body: Buffer.concat([start, Buffer.alloc(1000)]), after: start.length, headers: pack },
      [504],
    ],
    ['no end', { kind: 'endless', headers: pack }, [502, 504]],
    ['nonsense', { kind: 'body', body: Buffer.from('<html>no</html>'), type: pack['content-type'] }, [502]],
    [
      'a broken pack',
      { kind: 'body', body: Buffer.concat([start, Buffer.from('0000')]), type: pack['content-type'] },
      [502],
    ],
    ['an end in the middle', { kind: 'cut', body: start, after: start.length - 9, headers: pack }, [502]],
    ['a reset', { kind: 'reset' }, [502]],
    ['a failure', { kind: 'status', status: 503, body: 'maintenance \u001b[31m' }, [502]],
  ]
  for (const [index, [name, each, statuses]] of table.entries()) {
    fault = each
    await hosts.repository(`http/bad${index}`, [module({ 'go.mod': `module corp.example/bad${index}\n` })])
    const bad = hosts.stage.get(`/corp.example/bad${index}/@v/v1.0.0.zip`)
    await served(hosts, '/corp.example/good/@v/v1.0.0.zip', '/corp.example/good/@v/list')
    const { status, body, took } = await bad
    const text = body.toString()
    assert.ok(statuses.includes(status), `${name}: ${status} ${text}`)
    assert.ok(text.split('\n').length <= 4 && !/glpat-|\p{Cc}(?<!\n)/u.test(text), text)
    assert.ok(took < 45_000, `${name} took ${took} ms`)
  }
  await assertNothingKept(hosts, /bad\d\/@v\/./)
  fault = undefined
  await served(hosts, '/corp.example/bad0/@v/v1.0.0.zip')
})
