// Import paths of a host of ours: the real `go` finds modules through modstead's go-import pages.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { HOST, makeCertificates, startTunnel } from '../support/company-host.ts'
import { ask } from '../support/http.ts'
import { setStage } from '../support/stage.ts'
import { makeModule, putModule } from '../support/test-module.ts'

const run = promisify(execFile)

/**
 * A repository with a module at its root, one in `nested/`, one in `v2/` and one, with an import path of its own, in
 * `libs/log/`. Each has a tag.
 */
async function makeRepository(folder: string): Promise<void> {
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@corp.example', ...args], { cwd: folder })
  await mkdir(join(folder, 'nested', 'pkg'), { recursive: true })
  await mkdir(join(folder, 'libs', 'log'), { recursive: true })
  await mkdir(join(folder, 'v2'))
  const files = {
    'go.mod': `module ${HOST}/tool\n\ngo 1.21\n`,
    'tool.go': 'package tool\n',
    'nested/go.mod': `module ${HOST}/tool/nested\n\ngo 1.21\n`,
    'nested/pkg/pkg.go': 'package pkg\n',
    'libs/log/go.mod': `module ${HOST}/libs/log\n\ngo 1.21\n`,
    'libs/log/log.go': 'package log\n',
    'v2/go.mod': `module ${HOST}/tool/v2\n\ngo 1.21\n`,
    'v2/tool.go': 'package tool\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  await git('init', '-q')
  await git('add', '.')
  await git('commit', '-q', '-m', 'made')
  for (const tag of ['v1.2.3', 'nested/v0.4.0', 'v2.0.1', 'libs/log/v0.3.0']) await git('tag', tag)
}

test('go discovers through modstead, with GOPROXY=direct', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-vanity-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const { ca, cert, key } = await makeCertificates(folder)
  const repository = join(folder, 'tool')
  await mkdir(repository)
  await makeRepository(repository)
  const config = `publicUrl: https://${HOST}
pathPrefix: /goproxy
tls: { cert: "${cert}", key: "${key}" }
vanity:
  - { modules: "${HOST}/libs/*", repository: "https://git.corp.example/go/tool", subdirectory: "libs/{path}" }
  - { modules: "${HOST}/*", repository: "https://git.corp.example/go/{path}", source: gitlab }
`
  const stage = await setStage(t, { checksums: false, modstead: { config, scheme: 'https' } })
  const tunnel = await startTunnel(t, () => stage.modstead.port)
  const client = await stage.go({
    proxy: 'direct',
    sumdb: 'off',
    env: { SSL_CERT_FILE: ca, HTTPS_PROXY: tunnel.url, HTTP_PROXY: tunnel.url },
  })

  await t.test('the tag of modstead: no git at all', async () => {
    putModule(stage.tree, makeModule({ module: `${HOST}/tool`, version: 'v1.9.0' }))
    const cwd = await client.project()
    // GOVCS forbids git, as in every test.
    const listed = await client.ok(['list', '-m', '-versions', `${HOST}/tool`], { cwd })
    assert.equal(listed, `${HOST}/tool v1.9.0\n`)
    await client.ok(['get', `${HOST}/tool@latest`], { cwd })
    assert.match(await readFile(join(cwd, 'go.mod'), 'utf8'), /go\.corp\.example\/tool v1\.9\.0/)
    assert.deepEqual(new Set(tunnel.asked), new Set([`${HOST}:443`]), 'nothing else was asked')
  })

  await t.test(
    'the tag of git: root, nested module, major version, folder, and a package deep inside',
    async () => {
      // What modstead says of itself is taken out on the way, as by a tool that knows git only.
      const gitOnly = await startGitOnly(t, stage.modstead.url, ca)
      const direct = await startTunnel(t, () => gitOnly)
      const go = await stage.go({
        proxy: 'direct',
        sumdb: 'off',
        env: {
          SSL_CERT_FILE: ca,
          GOINSECURE: HOST,
          HTTPS_PROXY: direct.url,
          HTTP_PROXY: `http://127.0.0.1:${gitOnly}`,
          GOVCS: '*:git',
          GIT_CONFIG_GLOBAL: '/dev/null',
          GIT_CONFIG_NOSYSTEM: '1',
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: `url.file://${repository}.insteadOf`,
          GIT_CONFIG_VALUE_0: 'https://git.corp.example/go/tool',
        },
      })
      const cwd = await go.project()
      for (const [module, version] of [
        ['tool', 'v1.2.3'],
        ['tool/nested', 'v0.4.0'],
        ['tool/v2', 'v2.0.1'],
        ['libs/log', 'v0.3.0'],
      ])
        assert.equal(
          await go.ok(['list', '-m', '-versions', `${HOST}/${module}`], { cwd }),
          `${HOST}/${module} ${version}\n`,
        )
      await go.ok(['get', `${HOST}/tool/nested/pkg@latest`], { cwd })
      assert.match(await readFile(join(cwd, 'go.mod'), 'utf8'), /go\.corp\.example\/tool\/nested v0\.4\.0/)
    },
  )
})

/** Plain HTTP in front of modstead that passes on its pages without their `mod` tags. Gives its port. */
async function startGitOnly(t: TestContext, url: string, caFile: string): Promise<number> {
  const ca = await readFile(caFile, 'utf8')
  const server = createServer((req, res) => {
    const { pathname, search } = new URL(req.url ?? '', `http://${HOST}`)
    ask(url, pathname + search, { ca, headers: { host: HOST } }).then(
      ({ status, body }) => res.writeHead(status).end(body.toString().replace(/<meta [^>]* mod [^>]*>/, '')),
      (error: Error) => res.writeHead(502).end(error.message),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}
