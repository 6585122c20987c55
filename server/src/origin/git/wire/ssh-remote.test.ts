import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { failsWith } from '../../test-origin.ts'
import { listen } from '../../test-upstream.ts'
import { createSshRemote, type SshAccess } from './ssh-remote.ts'
import type { Remote } from './remote.ts'
import { runGit } from '../programs/run-git.ts'
import { git, makeRepository, openRepository } from '../test-repository.ts'
import { noSshServer, startTestSshServer, type TestSshServer } from '../test-ssh-server.ts'

const PATIENT = new AbortController().signal
const GO_MOD = 'module corp.example/lib\n'

suite('a repository behind ssh', { skip: noSshServer() }, () => {
  let folder: string
  let server: TestSshServer
  let hashes: string[]
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'modstead-ssh-'))
    hashes = makeRepository(join(folder, 'root', 'team', "li'b $x.git"), [
      { files: { 'go.mod': GO_MOD }, tags: ['v1.0.0'] },
      { files: { 'a.go': 'package a\n' }, tags: ['v1.1.0'] },
    ])
    server = await startTestSshServer({ folder: join(folder, 'ssh'), root: join(folder, 'root') })
  })
  after(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })

  function remote(
    path = "/team/li'b%20$x.git",
    access: Partial<SshAccess> = {},
    options: { base?: string; deadline?: number } = {},
  ): Remote {
    const { base = server.url, deadline = 30_000 } = options
    return createSshRemote({
      key: path,
      url: new URL(base + path),
      shown: 'https://corp.example/lib',
      access: async () => ({
        key: server.key,
        knownHosts: server.knownHosts,
        entry: 'credentials[0] (corp.example)',
        ...access,
      }),
      deadlines: { connect: 10_000, refs: deadline },
      limit: 1 << 20,
    })
  }

  test('gives refs, commits and history, whatever its path is called', async (t) => {
    const { repository } = openRepository(remote(), join(folder, 'clones'))
    t.after(() => repository.close())
    const refs = await repository.refs(0)
    assert.equal(refs.byName.get('refs/tags/v1.0.0'), hashes[0])
    assert.equal((await repository.commit(hashes[1]!, 'refs/tags/v1.1.0'))?.hash, hashes[1])
    assert.equal((await repository.read(hashes[1]!, ['go.mod']))[0]?.toString(), GO_MOD)
    assert.deepEqual(await repository.tagsBefore(hashes[1]!, refs), ['v1.0.0', 'v1.1.0'])
  })

  test('git itself fetches from it where it has to', async () => {
    const { url, settings, environment } = await remote().fetchFrom(PATIENT)
    const target = join(folder, 'fetched')
    makeRepository(target, [])
    assert.equal(new Map(settings).get('protocol.ssh.allow'), 'always')
    const outcome = await runGit({
      args: ['fetch', '--end-of-options', url, `${hashes[0]}:refs/heads/x`],
      gitDir: target,
      settings,
      environment,
      signal: PATIENT,
      deadlines: { total: 30_000 },
      limit: 1 << 20,
    })
    assert.equal(outcome.status, 0, outcome.said)
    assert.equal(git(target, ['rev-parse', 'refs/heads/x']).trim(), hashes[0])
  })

  test('what fails is told apart, with the host and the entry and without the key', async () => {
    const table: [
      name: string,
      remote: () => Remote,
      code: Parameters<typeof failsWith>[1],
      message: RegExp,
    ][] = [
      [
        'a wrong key',
        () => remote(undefined, { key: server.strangersKey }),
        'upstream_unreachable',
        /^127\.0\.0\.1:\d+ cannot be used over ssh with credentials\[0\] \(corp\.example\): .*Permission denied/,
      ],
      [
        'a host key that is not pinned',
        () => remote(undefined, { knownHosts: '/dev/null' }),
        'upstream_unreachable',
        /Host key verification failed/,
      ],
      [
        'another host key than the pinned one',
        () => remote(undefined, { knownHosts: server.otherHosts }),
        'upstream_unreachable',
        /Host key verification failed/,
      ],
      [
        'an unknown repository',
        () => remote('/team/none.git'),
        'not_found',
        /has no such repository, or does not show it to credentials\[0\].*Repository not found/,
      ],
      [
        'a host that does not listen',
        () => remote(undefined, {}, { base: 'ssh://git@127.0.0.1:1' }),
        'upstream_unreachable',
        /Connection refused/,
      ],
    ]
    for (const [name, make, code, message] of table) {
      const error = await failsWith(make().refs(PATIENT), code, message)
      assert.doesNotMatch(`${error.message} ${error.next}`, /PRIVATE KEY|\/ssh\/key/, name)
    }
  })

  test('a key that others can read is told with the line that mends it', async () => {
    const key = join(folder, 'open key')
    copyFileSync(server.key, key)
    chmodSync(key, 0o644)
    const refs = remote(undefined, { key }).refs(PATIENT)
    const error = await failsWith(refs, 'upstream_unreachable', /ssh does not use a key that others can read/)
    assert.match(error.next ?? '', /`chmod 600 FILE` with the file of its sshKey/)
    chmodSync(key, 0o600)
    await remote(undefined, { key }).refs(PATIENT)
  })

  test('a host that says nothing is left at the deadline, or with who gives up', async (t) => {
    const silent = createServer()
    await listen(silent)
    t.after(() => silent.close())
    const { port } = silent.address() as AddressInfo
    const base = `ssh://git@127.0.0.1:${port}`
    await failsWith(
      remote(undefined, {}, { base, deadline: 500 }).refs(PATIENT),
      'upstream_timeout',
      /in time \(ssh\)/,
    )
    await assert.rejects(remote(undefined, {}, { base }).refs(AbortSignal.timeout(500)), {
      name: 'TimeoutError',
    })
  })

  test('files of keys may be called anything', async () => {
    const [key, knownHosts] = ['a key "%d\\', 'known %h hosts'].map((name) => join(folder, name)) as [
      string,
      string,
    ]
    copyFileSync(server.key, key)
    copyFileSync(server.knownHosts, knownHosts)
    const refs = await remote(undefined, { key, knownHosts }).refs(PATIENT)
    assert.ok(refs.byName.has('refs/tags/v1.0.0'))
  })

  test('what a host says decides whether it is an absence', async () => {
    const table: [said: string, code: Parameters<typeof failsWith>[1]][] = [
      ['ERROR: Repository not found.', 'not_found'],
      ["The project you were looking for could not be found or you don't have permission", 'not_found'],
      ["fatal: '/x' does not appear to be a git repository", 'not_found'],
      ['Gitea: Repository does not exist or you do not have access', 'not_found'],
      ['Git access over SSH is not allowed', 'upstream_refused'],
      ['Access denied.', 'upstream_refused'],
      ['Your account has been blocked.', 'upstream_refused'],
      ['the database was not found', 'upstream_failed'],
    ]
    for (const [said, code] of table) {
      writeFileSync(server.refusal, said)
      await failsWith(remote('/team/none.git').refs(PATIENT), code, /credentials\[0\]/)
    }
  })

  test('a path cannot become another command', async () => {
    const marker = join(folder, 'ran')
    for (const path of [`/team/x';touch%20${marker};'`, `/$(touch%20${marker})`, `/x%0atouch%20${marker}`])
      await assert.rejects(remote(path).refs(PATIENT))
    assert.ok(!existsSync(marker))
  })
})
