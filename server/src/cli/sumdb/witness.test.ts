import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { signCheckpoint } from '@modstead/gomod/checkpoint/checkpoint'
import { createCosigner, witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { generateKey, parseSignerKey } from '@modstead/gomod/note'
import { recordHash } from '@modstead/gomod/tlog/hash'
import { temporaryFolder } from '../../observe/test-support.ts'
import { openWitnessFile } from '../../store/witness-file.ts'
import { runHere } from '../run.fixture.ts'

const LOG = generateKey('sum.corp.example')
const WITNESS = generateKey('w.example')

/** Files of a witness, and its command line with changes. */
async function createWitness(t: TestContext) {
  const folder = await temporaryFolder(t)
  const [key, state] = [join(folder, 'witness.key'), join(folder, 'state')]
  await writeFile(key, `${WITNESS.skey}\n`, { mode: 0o600 })
  const flags = { '--key': key, '--log': LOG.vkey, '--state': state, '--listen': '127.0.0.1:0' }
  const run = (changes: Record<string, string> = {}) =>
    runHere({ args: ['sumdb', 'witness', ...Object.entries({ ...flags, ...changes }).flat()] })
  return { folder, key, state, run }
}

describe('modstead sumdb init --witness', () => {
  it('makes a key, and tells both sides what to write', async (t) => {
    const out = join(await temporaryFolder(t), 'witness.key')
    const made = await runHere({
      args: ['sumdb', 'init', '--witness', '--name', 'w.example/go', '--out', out],
    })
    assert.deepEqual([made.code, made.stderr], [0, ''])
    const key = witnessKeyOf((await readFile(out, 'utf8')).trim())
    assert.ok(made.stdout.includes(`\n  ${key}\n`), made.stdout)
    assert.ok(made.stdout.includes(`- key: ${key}\n`), made.stdout)
    assert.ok(made.stdout.includes('url: https://w.example/go\n'), made.stdout)
    assert.doesNotMatch(made.stdout, /PRIVATE|GOSUMDB/)
    const printed = await runHere({ args: ['sumdb', 'key', '--witness', out] })
    assert.deepEqual(printed, { code: 0, stdout: `${key}\n`, stderr: '' })
    for (const name of ['my witness', 'https://w.example', 'a+b', 'off', '']) {
      const bad = await runHere({ args: ['sumdb', 'init', '--witness', '--name', name] })
      assert.equal(bad.code, 2)
      assert.match(bad.stderr, /cannot name a witness\.\nChoose a host/)
    }
    const none = await runHere({ args: ['sumdb', 'key', '--witness'] })
    assert.equal(none.code, 2)
    assert.match(none.stderr, /--witness needs the key file/)
  })
})

describe('modstead sumdb witness', () => {
  it('says what it cannot run with, and whose key is not for others', async (t) => {
    const { folder, key, state, run } = await createWitness(t)
    const rows: [changes: Record<string, string>, code: number, text: RegExp][] = [
      [{ '--log': 'nonsense' }, 2, /--log: .*is not a verifier key.*\n.*GOSUMDB/],
      [{ '--log': WITNESS.vkey }, 2, /is the key of a log that is to be witnessed/],
      [{ '--listen': 'nowhere' }, 2, /--listen: "nowhere" is not an address/],
      [{ '--state': join(folder, 'none', 'state') }, 2, /--state: there is no folder/],
      [{ '--state': join(key, 'state') }, 2, /--state: .* is not a folder/],
      [{ '--key': state }, 2, /there is no such file/],
      [{ '--tls-cert': 'cert.pem' }, 2, /a certificate needs its key/],
      [{ '--tls-cert': 'cert.pem', '--tls-key': 'key.pem' }, 2, /--tls-cert: .*there is no such file/],
      [{ '--tls-cert': key, '--tls-key': key }, 1, /the certificate .* or its key cannot be used/],
    ]
    for (const [changes, code, text] of rows) {
      const ran = await run(changes)
      assert.equal(ran.code, code, ran.stdout + ran.stderr)
      assert.match(ran.stderr, text)
    }
    await writeFile(state, 'damaged')
    const damaged = await run()
    assert.deepEqual([damaged.code, await readFile(state, 'utf8')], [1, 'damaged'])
    assert.match(damaged.stderr, /is damaged/)
    const other = openWitnessFile(state)
    const busy = await run()
    other.close()
    assert.match(busy.stderr, /another witness runs with the state .*\n.*two histories/s)
    await chmod(key, 0o640)
    assert.match((await run()).stderr, /others may read or change the key .* run: chmod 600/)
  })
})

describe('modstead sumdb witnesses', () => {
  const checkpoint = signCheckpoint(
    { origin: 'sum.corp.example', tree: { size: 7, hash: recordHash(Buffer.from('x')) }, extensions: [] },
    [parseSignerKey(LOG.skey), createCosigner(WITNESS.skey, () => 1_700_000_000)],
  )
  const bare = signCheckpoint(
    { origin: 'sum.corp.example', tree: { size: 7, hash: recordHash(Buffer.from('x')) }, extensions: [] },
    [parseSignerKey(LOG.skey)],
  )
  const well = [{ witness: 'w.example', cosigned: { size: 7, at: 1_700_000_000_000 } }]

  /** What the command says to a server with these answers. */
  async function told(note: Uint8Array | string, statuses: unknown, more: string[] = []) {
    const server = createServer((req, res) => {
      res.end(req.url?.endsWith('/checkpoint') ? note : JSON.stringify(statuses))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`
      return await runHere({ args: ['sumdb', 'witnesses', '--to', to, '--key', LOG.vkey, ...more] })
    } finally {
      server.close()
    }
  }
  const witness = ['--witness', witnessKeyOf(WITNESS.skey)]

  it('tells what they said, and verifies what can be verified', async () => {
    const good = await told(checkpoint, well, witness)
    assert.deepEqual([good.code, good.stderr], [0, ''])
    assert.match(good.stdout, /over 7 records\.\n {2}verified: w\.example cosigned it at 2023-11-14T22:13:20/)
    assert.match(good.stdout, /\nw\.example cosigned 7 records at 2023-11-14T22:13:20\.000Z\.\n$/)
    const json = JSON.parse((await told(checkpoint, well, [...witness, '--json'])).stdout)
    assert.deepEqual([json.checkpoint.size, json.checkpoint.missing, json.witnesses], [7, [], well])

    const unsigned = await told(bare, well, witness)
    assert.equal(unsigned.code, 1, 'the server says so, and cannot show it')
    assert.match(unsigned.stdout, /not verified: it has no cosignature of w\.example/)
    const failing = await told(bare, [
      { witness: 'w.example', failure: { kind: 'refused', message: 'it \u001b[31msays no' } },
    ])
    assert.equal(failing.code, 1)
    assert.match(failing.stdout, /w\.example has cosigned nothing since .*; then: it {2}\[31msays no\.\n/)
    const none = await told(bare, [])
    assert.deepEqual([none.code, /No witness is configured/.test(none.stdout)], [1, true])
  })

  it('believes no checkpoint that is not signed, and no answer that is none', async () => {
    const forged = Buffer.from(Buffer.from(checkpoint).toString().replace('\n7\n', '\n8\n'))
    assert.match(
      (await told(forged, well)).stderr,
      /the checkpoint at http\S+ is not one of sum\.corp\.example/,
    )
    const lines = Buffer.from(checkpoint).toString().split('\n')
    const cosignature = lines.findIndex((line) => line.startsWith('— w.example'))
    const time = Buffer.from(lines[cosignature]!.split(' ')[2]!, 'base64')
    time[11]! ^= 1
    lines[cosignature] = `— w.example ${time.toString('base64')}`
    assert.match((await told(lines.join('\n'), well, witness)).stderr, /is not one of sum\.corp\.example/)
    for (const said of [{}, 'no', [{ witness: 1 }], [null], [{ witness: 'w', cosigned: { size: 'x' } }]])
      assert.match((await told(checkpoint, said)).stderr, /did not say what its witnesses said/)
    assert.match((await told('<html>', well)).stderr, /is not one of/)
    const bad = await told(checkpoint, well, ['--witness', LOG.vkey])
    assert.deepEqual([bad.code, /--witness: .*\n.*witness publishes/.test(bad.stderr)], [2, true])
    const away = await runHere({
      args: ['sumdb', 'witnesses', '--to', 'http://127.0.0.1:9', '--key', LOG.vkey],
    })
    assert.match(away.stderr, /gave no answer/)
  })
})
