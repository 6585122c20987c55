// `modstead verify` where the company has a checksum database of its own, for private modules too.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../support/command.ts'
import { createGoHome } from '../support/go.ts'
import { startModstead } from '../support/modstead.ts'
import { makeModule, modulePath, tamperedZip } from '../support/test-module.ts'

const LIB = makeModule({ module: 'corp.example/lib', version: 'v1.0.0' })

test('private modules are proven by the log of the modstead in GOPROXY, and pollution of them is found', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-verify-log-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const stem = join(folder, 'modules', modulePath(LIB))
  await mkdir(dirname(stem), { recursive: true })
  for (const [ending, bytes] of Object.entries({ info: LIB.info, mod: LIB.mod, zip: LIB.zip }))
    await writeFile(`${stem}.${ending}`, bytes)
  const init = ['sumdb', 'init', '--name', 'go.corp.example', '--out', join(folder, 'key')]
  const { stdout: made } = await runCommand(init, { cwd: folder })
  const vkey = /GOSUMDB=(\S+)$/m.exec(made)![1]!
  const config = `
origins: { corp: { url: "file://${folder}/modules" } }
checksumLog: { key: file:${folder}/key, highWater: ${folder}/high-water }
routes:
  - { modules: corp.example, from: [corp], private: true }
  - { modules: "*", from: ["off"] }
`
  const modstead = await startModstead({ config })
  t.after(() => modstead.close())
  const go = await createGoHome({ proxy: modstead.url, sumdb: vkey, env: { GONOSUMDB: '' } })
  t.after(() => go.close())
  const project = await go.project()
  await go.ok(['get', `${LIB.module}@${LIB.version}`], { cwd: project })

  const env = {
    GOENV: 'off',
    GOPROXY: modstead.url,
    GOSUMDB: vkey,
    GOMODCACHE: go.modCache,
    GOPATH: join(go.folder, 'gopath'),
  }
  // Without what `go` has kept: the log itself is asked.
  await rm(join(go.modCache, 'cache', 'download', 'sumdb'), { recursive: true })
  const clean = await runCommand(['verify'], { cwd: project, env })
  assert.equal(clean.stdout, 'go.sum: 1 version: 1 proven by go.corp.example.\n')
  assert.equal(clean.code, 0)
  await writeFile(join(go.modCache, 'cache', 'download', `${modulePath(LIB)}.zip`), tamperedZip(LIB))
  const polluted = await runCommand(['verify'], { cwd: project, env })
  assert.match(
    polluted.stdout,
    /changed after its download: .* told by the checksum database go\.corp\.example\.\n/,
  )
  assert.equal(polluted.code, 1)
})
