// Upstreams that hang, drip, lie, send too much or something else: a clear error that names them, nothing kept, and
// no other request harmed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../support/faults.ts'
import { rawZip } from '../support/raw-zip.ts'
import { createModuleTree } from '../support/module-tree.ts'
import { setStage } from '../support/stage.ts'
import { storedFiles } from '../support/stored.ts'
import { makeModule, modulePath, putModule, tamperedZip } from '../support/test-module.ts'
import { startUpstream } from '../support/upstream.ts'

const MODULE = 'example.com/victim'
const LIMIT = 4 << 20

/** One attack on one file of a version of its own; the honest bytes are at hand. */
interface Attack {
  name: string
  file: 'zip' | 'mod' | 'info' | 'list'
  fault(honest: Buffer, made: ReturnType<typeof makeModule>, self: string): Fault
}

const file = (made: ReturnType<typeof makeModule>, name: string, contents = 'x') => ({
  name: `${made.module}@${made.version}/${name}`,
  contents: Buffer.from(contents),
})
const body = (bytes: Buffer | string, type = 'application/zip'): Fault => ({
  kind: 'body',
  body: bytes,
  type,
})
const html = '<!doctype html><title>Sign in</title><p>Please sign in to the network.\n'

const ATTACKS: readonly Attack[] = [
  { name: 'never answers', file: 'zip', fault: () => ({ kind: 'hang' }) },
  { name: 'ends the connection', file: 'zip', fault: () => ({ kind: 'reset' }) },
  {
    name: 'stalls in the middle',
    file: 'zip',
    fault: (honest) => ({ kind: 'stall', body: honest, after: 100 }),
  },
  {
    name: 'drips a byte at a time',
    file: 'zip',
    fault: (honest) => ({ kind: 'drip', body: honest, every: 300 }),
  },
  { name: 'closes early', file: 'zip', fault: (honest) => ({ kind: 'truncate', body: honest, after: 200 }) },
  {
    name: 'closes early, chunked',
    file: 'zip',
    fault: (honest) => ({ kind: 'cut', body: honest, after: 200 }),
  },
  {
    name: 'declares less than it sends',
    file: 'zip',
    fault: (honest) => ({ kind: 'length', body: honest, declared: honest.length - 10 }),
  },
  {
    name: 'declares more than it sends',
    file: 'zip',
    fault: (honest) => ({ kind: 'length', body: honest, declared: honest.length + 10 }),
  },
  { name: 'sends without end', file: 'zip', fault: () => ({ kind: 'endless' }) },
  {
    name: 'declares too much',
    file: 'zip',
    fault: (honest) => ({ kind: 'length', body: honest, declared: 2 ** 40 }),
  },
  {
    name: 'redirects in circles',
    file: 'zip',
    fault: (_honest, _made, self) => ({ kind: 'redirect', to: self }),
  },
  { name: 'redirects to a file', file: 'zip', fault: () => ({ kind: 'redirect', to: 'file:///etc/passwd' }) },
  { name: 'redirects nowhere', file: 'zip', fault: () => ({ kind: 'status', status: 302 }) },
  { name: 'answers HTML', file: 'zip', fault: () => body(html, 'text/html') },
  { name: 'answers nothing', file: 'zip', fault: () => body('') },
  { name: 'answers 500', file: 'zip', fault: () => ({ kind: 'status', status: 500, body: 'no' }) },
  { name: 'answers 204', file: 'zip', fault: () => ({ kind: 'status', status: 204 }) },
  {
    name: 'asks for credentials',
    file: 'zip',
    fault: () => ({ kind: 'status', status: 401, body: 'who are you?' }),
  },
  { name: 'limits the rate', file: 'zip', fault: () => ({ kind: 'status', status: 429, body: 'too many' }) },
  { name: 'changes a byte', file: 'zip', fault: (_honest, made) => body(tamperedZip(made)) },
  {
    name: 'puts a foreign module into the zip',
    file: 'zip',
    fault: () => body(makeModule({ module: 'example.com/foreign', version: 'v1.0.0' }).zip),
  },
  {
    name: 'adds a foreign name to the zip',
    file: 'zip',
    fault: (_honest, made) =>
      body(rawZip([file(made, 'a.go'), { name: 'b@v1/x', contents: Buffer.from('x') }])),
  },
  {
    name: 'climbs out of the folder',
    file: 'zip',
    fault: (_honest, made) => body(rawZip([file(made, 'a.go'), file(made, '../../../../tmp/evil')])),
  },
  {
    name: 'names an absolute path',
    file: 'zip',
    fault: () => body(rawZip([{ name: '/etc/evil', contents: Buffer.from('x') }])),
  },
  {
    name: 'has two names that differ in case',
    file: 'zip',
    fault: (_honest, made) => body(rawZip([file(made, 'a.go'), file(made, 'A.go')])),
  },
  {
    name: 'claims a gigabyte of contents',
    file: 'zip',
    fault: (_honest, made) => body(rawZip([{ ...file(made, 'a.go'), claim: { size: 2 ** 30 } }])),
  },
  {
    name: 'inflates to more than it claims',
    file: 'zip',
    fault: (_honest, made) =>
      body(rawZip([{ name: file(made, 'a.go').name, contents: Buffer.alloc(8 << 20), claim: { size: 10 } }])),
  },
  {
    name: 'has a wrong CRC',
    file: 'zip',
    fault: (_honest, made) => body(rawZip([{ ...file(made, 'a.go'), claim: { crc: 1 } }])),
  },
  {
    name: 'has a go.mod of another module',
    file: 'mod',
    fault: () => body('module example.com/other\n', 'text/plain'),
  },
  { name: 'has a go.mod that is HTML', file: 'mod', fault: () => body(html, 'text/html') },
  { name: 'has a go.mod without end', file: 'mod', fault: () => ({ kind: 'endless' }) },
  { name: 'cuts the go.mod', file: 'mod', fault: (honest) => ({ kind: 'truncate', body: honest, after: 5 }) },
  {
    name: 'gives another version',
    file: 'info',
    fault: () => body('{"Version":"v9.9.9"}', 'application/json'),
  },
  { name: 'gives an .info that is HTML', file: 'info', fault: () => body(html, 'text/html') },
  { name: 'gives an .info without end', file: 'info', fault: () => ({ kind: 'endless' }) },
  { name: 'gives an .info that is a list', file: 'info', fault: () => body('[]', 'application/json') },
  { name: 'gives a list without end', file: 'list', fault: () => ({ kind: 'endless' }) },
  { name: 'never gives the list', file: 'list', fault: () => ({ kind: 'hang' }) },
]

/** What is said of contents that no repetition can make right. */
const WRONG = /Tell who runs that origin|operators of this modstead|check the URL of the origin/

function configFor(url: string): string {
  const timeouts = 'timeouts: { connect: 1s, headers: 1s, idle: 1s, total: 3s }'
  const limits = `limits: { list: 64KiB, info: 64KiB, mod: 64KiB, zip: ${LIMIT} }`
  return `origins:\n  hostile: { url: "${url}", tries: 1, ${timeouts}, ${limits} }\n`
}

test('hostile upstreams', { timeout: 120_000 }, async (t) => {
  const good = makeModule({ module: 'example.com/bystander', version: 'v1.0.0' })
  const tree = createModuleTree()
  const hostile = await startUpstream({ tree })
  t.after(() => hostile.close())
  const stage = await setStage(t, {
    tree,
    modstead: { config: configFor(hostile.url) },
    configured: true,
  })
  putModule(tree, good)

  await Promise.all(
    ATTACKS.map((attack, index) =>
      t.test(`${attack.file}: ${attack.name}`, async () => {
        const version = `v1.0.${index}`
        const made = makeModule({ module: attack.file === 'list' ? `${MODULE}${index}` : MODULE, version })
        putModule(tree, made)
        const path = attack.file === 'list' ? `/${made.module}/@v/list` : `${modulePath(made)}.${attack.file}`
        const honest = tree.get(path)!.bytes
        hostile.faults.set(path, attack.fault(honest, made, `${hostile.url}${path}`))

        const answer = await stage.get(path)
        if (answer.status === 200) assert.equal(answer.complete, false, 'an answer that looks whole')
        else {
          assert.ok([502, 503, 504].includes(answer.status), `status ${answer.status}`)
          assert.match(answer.body.toString(), /hostile/, 'the origin is named')
        }
        assert.equal((await storedFiles(stage.modstead.dataDir)).has(path), false, 'it was stored')
        assert.equal((await stage.get(`${modulePath(good)}.zip`)).status, 200, 'a bystander was harmed')

        hostile.faults.delete(path)
        const asked = (): number => hostile.requests.filter((request) => request.path === path).length
        const before = asked()
        const again = await stage.get(path)
        // Wrong contents are held against the origin for a while, without asking it; all else is tried again.
        if (asked() === before) assert.match(again.body.toString(), WRONG)
        else assert.ok(again.body.equals(honest), `${again.status} after the upstream recovered`)
      }),
    ),
  )
})
