import assert from 'node:assert/strict'
import { test } from 'node:test'
import { witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { generateKey } from '@modstead/gomod/note'
import { type Given, load, problemsOf } from './load.fixture.ts'
import { describeConfig } from './show.ts'

const NAME = 'go.corp.example'
const KEY = generateKey(NAME)
const OLD = generateKey(NAME)
const OTHER = generateKey('sum.corp.example')
const SEED = new Uint8Array(32).fill(7)
const WITNESS = witnessKeyOf(generateKey('witness.example', SEED).skey)
const ELSEWHERE = { '/mnt/other': { dev: 2 } }
const SET = 'key: "file:key", highWater: /mnt/other/mark'

/** A configuration with these entries of `checksumLog`, and files of keys. */
function given(entries: string, rest: Given & { more?: string } = {}): Given {
  const files = {
    '/site/key': `${KEY.skey}\n`,
    '/site/old': OLD.skey,
    '/site/other': OTHER.skey,
    ...rest.files,
  }
  return {
    ...rest,
    yaml: `checksumLog: { ${entries} }\n${rest.more ?? ''}`,
    files,
    facts: { ...ELSEWHERE, ...rest.facts },
  }
}

test('a log of our own, whole', async () => {
  const witnesses = `witnesses: [{ key: "${WITNESS}", url: "https://witness.example/" }]`
  const { config, warnings } = await load(given(`${SET}, previousKeys: ["file:old"], ${witnesses}`))
  assert.deepEqual(warnings, [])
  assert.deepEqual(config.checksumLog, {
    name: NAME,
    key: KEY.skey,
    verifierKey: KEY.vkey,
    previousKeys: [OLD.skey],
    highWater: '/mnt/other/mark',
    witnesses: [{ key: WITNESS, url: 'https://witness.example' }],
  })
  const shown = describeConfig(config)
  assert.doesNotMatch(JSON.stringify(shown), /PRIVATE/)
  assert.deepEqual(shown.checksumLog, {
    key: '(hidden)',
    verifierKey: KEY.vkey,
    previousKeys: ['(hidden)'],
    highWater: '/mnt/other/mark',
    witnesses: [{ key: WITNESS, url: 'https://witness.example' }],
  })
  assert.equal((shown.routes as { log: boolean }[])[0]!.log, true)
})

test('a key from a variable is no matter of files', async () => {
  const { config, warnings } = await load(
    given('key: "${LOG_KEY}", highWater: /mnt/other/mark', { env: { LOG_KEY: `${KEY.skey}\n` } }),
  )
  assert.deepEqual(warnings, [])
  assert.equal(config.checksumLog!.key, KEY.skey)
  assert.equal((await load({})).config.checksumLog, undefined)
})

const damaged = KEY.skey.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
const mistakes: [what: string, given: Given, expected: RegExp][] = [
  [
    'a key for a witness',
    given(`${SET}, witnesses: ["${OLD.skey}"]`),
    /witnesses\[0\]: .* found a text \(hidden\)$/,
  ],
  [
    'a key alone',
    { yaml: `checksumLog: ${KEY.skey}` },
    /1:14: checksumLog: expected a mapping .* a text \(hidden\)$/,
  ],
  [
    'a signer key for clients',
    { yaml: `sumdb: ${KEY.skey}` },
    /sumdb\[0\]: expected .* found a text \(hidden\)$/,
  ],
  [
    'a signer key in GOSUMDB',
    { env: { GOSUMDB: KEY.skey } },
    /^GOSUMDB: expected .* found a text \(hidden\)$/,
  ],
  [
    'a key over which the mark goes',
    given('key: "file:key", highWater: ./key'),
    /highWater: is the file of checksumLog\.key/,
  ],
  [
    'a folder for the mark',
    given('key: "file:key", highWater: /mnt/other', { facts: { '/mnt/other': { mode: 0o040700, dev: 2 } } }),
    /highWater: expected the path of a file, found a folder$/,
  ],
  [
    'no key',
    given('highWater: mark'),
    /^modstead\.yaml:1:1: checksumLog\.key: missing: expected the signer key/,
  ],
  [
    'no file',
    given('key: "file:none"'),
    /1:21: checksumLog\.key: cannot read \/site\/none: there is no such file$/,
  ],
  ['an empty file', given('key: "file:none"', { files: { '/site/none': '\n' } }), /found an empty file$/],
  ['no key in it', given(`key: "${damaged}"`), /1:21: checksumLog\.key: this is not a signer key: /],
  [
    'a verifier key',
    given(`key: "${KEY.vkey}"`),
    /checksumLog\.key: this is a verifier key, which everybody may know: expected the signer key, which begins with PRIVATE/,
  ],
  [
    'a key file that others read',
    given(SET, { facts: { '/site/key': { mode: 0o100640 } } }),
    /checksumLog\.key: others may read or change the key in \/site\/key \(mode 0640\); run: chmod 600 \/site\/key$/,
  ],
  [
    'an old key file that others read',
    given(`${SET}, previousKeys: ["file:old"]`, { facts: { '/site/old': { mode: 0o100604 } } }),
    /checksumLog\.previousKeys\[0\]: .* \(mode 0604\); run: chmod 600 \/site\/old$/,
  ],
  [
    'the name of a known database',
    given(`key: "${generateKey('sum.golang.org').skey}"`),
    /sum\.golang\.org means something to every go already: take a host name of your own/,
  ],
  [
    'a name for which go knows a URL',
    given(`key: "${generateKey('sum.golang.google.cn').skey}"`),
    /means something/,
  ],
  [
    'a name that switches proofs off',
    given(`key: "${generateKey('off').skey}"`),
    /means something to every go/,
  ],
  [
    'no host',
    given(`key: "${generateKey('https://go.corp.example').skey}"`),
    /"https:\/\/go\.corp\.example" cannot name a checksum database: it must be a host or host\/path/,
  ],
  [
    'the name of a mirrored database',
    given(SET, { more: `sumdb: [ "${OLD.vkey}", sum.golang.org ]` }),
    /^modstead\.yaml:2:8: sumdb: go\.corp\.example is the name of the key of checksumLog, too/,
  ],
  [
    'an old key of another name',
    given(`${SET}, previousKeys: ["file:other"]`),
    /previousKeys\[0\]: is called sum\.corp\.example, and the key go\.corp\.example: keys of one log have one name/,
  ],
  ['an old key that is the key', given(`${SET}, previousKeys: ["file:key"]`), /\[0\]: is the same as `key`/],
  ['an old key twice', given(`${SET}, previousKeys: ["file:old", "file:old"]`), /\[1\]: is given twice$/],
  ['an old verifier key', given(`${SET}, previousKeys: ["${OLD.vkey}"]`), /\[0\]: this is a verifier key/],
  [
    'old keys that are no list',
    given(`${SET}, previousKeys: "${OLD.skey}"`),
    /previousKeys: expected .*\(hidden\)$/,
  ],
  [
    'a route for everything',
    given(SET, { more: 'routes: [{ modules: "*", log: false }]' }),
    /2:31: routes\[0\]\.log: clients that leave out every module prove none/,
  ],
  [
    'a route of toolchains',
    given(SET, { more: 'routes: [{ modules: "golang.org", log: false }]' }),
    /routes\[0\]\.log: go asks its checksum database about golang\.org\/toolchain whatever GONOSUMDB says/,
  ],
  [
    'a path of its endpoints',
    given(SET, { more: 'pathPrefix: /tlog' }),
    /pathPrefix: \/tlog is a path of modstead/,
  ],
]

test('mistakes, each with its place, and no key in any of them', async () => {
  for (const [what, wrong, expected] of mistakes) {
    const problems = await problemsOf(wrong)
    assert.equal(problems.length, 1, `${what}: ${problems.join('\n')}`)
    assert.match(problems[0]!, expected, what)
    assert.doesNotMatch(problems[0]!, /PRIVATE\+KEY\+\S/, what)
  }
})

test('permissions say nothing on Windows', async () => {
  const facts = { '/site/key': { mode: 0o100666 } }
  const { config } = await load(given(SET, { facts, platform: 'win32' }))
  assert.equal(config.checksumLog!.key, KEY.skey)
})

test('witnesses that are no use', async () => {
  const type1 = generateKey('witness.example')
  const url = 'https://witness.example'
  const rows: [key: string, url: string, expected: RegExp][] = [
    [
      type1.vkey,
      url,
      /\[0\]\.key: expected the verifier key of a witness, of type 4: .* keys of type 1 are not known here/,
    ],
    [type1.skey, url, /\[0\]\.key: this is a signer key, which only the witness may have/],
    ['witness.example', url, /\[0\]\.key: expected the verifier key .* it must be name\+hash\+base64/],
    [WITNESS.replace(/^w/, 'W'), url, /its hash does not belong to its name and key/],
    [WITNESS, 'http://witness.example', /\[0\]\.url: expected a URL .* found "http:\/\/witness\.example"/],
    [WITNESS, 'http://127.0.0.1.example', /\[0\]\.url: expected a URL/],
    [WITNESS, 'https://u:secret@witness.example', /found "https:\/\/\(hidden\)@witness\.example"$/],
    [WITNESS, 'https://witness.example?a', /\[0\]\.url/],
    [WITNESS, 'witness.example', /\[0\]\.url/],
  ]
  for (const [key, at, expected] of rows) {
    const problems = await problemsOf(given(`${SET}, witnesses: [{ key: "${key}", url: "${at}" }]`))
    assert.equal(problems.length, 1, problems.join('\n'))
    assert.match(problems[0]!, expected)
    assert.doesNotMatch(problems[0]!, /PRIVATE\+KEY\+\S/)
  }
  const one = `{ key: "${WITNESS}", url: "http://[::1]:80/a/" }`
  const twice = await problemsOf(given(`${SET}, witnesses: [${one}, ${one}]`))
  assert.match(twice[0]!, /witnesses\[1\]\.key: is the key of a witness before it: each counts once$/)
  const alias = witnessKeyOf(generateKey('other.example', SEED).skey)
  const renamed = await problemsOf(given(`${SET}, witnesses: [${one}, { key: "${alias}", url: "${url}" }]`))
  assert.match(renamed[0]!, /witnesses\[1\]\.key: is the key of a witness before it/)
  const { config } = await load(given(`${SET}, witnesses: [${one}]`))
  assert.equal(config.checksumLog!.witnesses[0]!.url, 'http://[::1]/a')
})

test('a key in the configuration itself is warned of, and not shown', async () => {
  const { warnings } = await load(given(`key: "${KEY.skey}", highWater: /mnt/other/mark`))
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /^checksumLog\.key is written into the configuration.*\$\{NAME\}\)$/)
  assert.ok(!warnings[0]!.includes(KEY.skey))
})

test('a mark that a restored backup would take along is warned of', async () => {
  const rows: [entries: string, expected: RegExp][] = [
    [
      '',
      /highWater is not set, so that the mark is kept in the data folder: a backup that is restored would take/,
    ],
    [', highWater: modstead-data/x/mark', /highWater is inside the data folder: a backup/],
    [', highWater: /site/mark', /highWater is on the same disk as the data folder: a backup/],
    [
      ', highWater: /mnt/gone/mark',
      /cannot read \/mnt\/gone: there is no such file; without this folder the log signs/,
    ],
  ]
  for (const [entries, expected] of rows) {
    const { warnings } = await load(given(`key: "file:key"${entries}`))
    assert.equal(warnings.length, 1, warnings.join('\n'))
    assert.match(warnings[0]!, expected)
  }
})

test('routes may be left out of the log', async () => {
  const routes =
    'routes: [{ modules: corp.example/scratch, private: true, log: false }, { modules: corp.example, private: true, log: true }]'
  const { config, warnings } = await load(given(SET, { more: routes }))
  assert.deepEqual(warnings, [])
  assert.deepEqual(
    config.routes.map(({ log }) => log !== false),
    [false, true, true],
  )
  const without = await load({ yaml: routes })
  assert.deepEqual(without.warnings, [
    'routes[0].log means nothing without checksumLog',
    'routes[1].log means nothing without checksumLog',
  ])
})

test('a machine that is set up like its clients: the log does not prove itself', async () => {
  const { config, warnings } = await load(given(SET, { env: { GOSUMDB: KEY.vkey } }))
  assert.deepEqual(
    config.sumdb.map(({ name }) => name),
    ['sum.golang.org'],
  )
  assert.match(
    warnings.join('\n'),
    /^GOSUMDB \(environment\) is the log of this modstead, which cannot prove itself/,
  )
})

test('names that GONOPROXY keeps private are proven by the log', async () => {
  const env = { GONOPROXY: 'corp.example', GONOSUMDB: 'none' }
  assert.match((await load({ env })).warnings.join('\n'), /no checksum database proves them/)
  assert.deepEqual((await load(given(SET, { env }))).warnings, [])
})
