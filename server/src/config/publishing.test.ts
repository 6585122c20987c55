import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from './load.fixture.ts'
import { describeConfig } from './show.ts'

const TOKEN = '0123456789abcdef'

test('uploads and tokens: what a company writes', async () => {
  const yaml = `
origins:
  releases: { type: upload }
  public: { url: "https://proxy.example" }
tokens:
  ci: { token: "\${CI_TOKEN}", may: [publish] }
  ops: { token: "file:ops", may: [delete, publish, delete] }
routes:
  - { modules: go.corp.example, from: [releases, public], private: true }
`
  const files = { '/site/ops': `${TOKEN}-ops\n` }
  const { config, warnings } = await load({ yaml, files, env: { CI_TOKEN: TOKEN, MODSTEAD_TOKEN: 'x' } })
  assert.deepEqual(warnings, [])
  assert.deepEqual(config.uploads, ['releases'])
  assert.ok(config.origins.has('public') && !config.origins.has('releases'))
  assert.deepEqual(config.tokens, [
    { name: 'ci', token: TOKEN, may: ['publish'] },
    { name: 'ops', token: `${TOKEN}-ops`, may: ['delete', 'publish'] },
  ])
  const shown = describeConfig(config)
  assert.ok(!JSON.stringify(shown).includes(TOKEN))
  assert.deepEqual(shown.tokens, {
    ci: { token: '(hidden)', may: ['publish'] },
    ops: { token: '(hidden)', may: ['delete', 'publish'] },
  })
  assert.deepEqual((shown.origins as Record<string, unknown>).releases, { type: 'upload' })
})

test('an upload is in no list that does not name it', async () => {
  const yaml = 'origins: { releases: { type: upload }, public: { url: "https://proxy.example" } }'
  const { config, warnings } = await load({ yaml })
  assert.deepEqual(
    config.routes.flatMap(({ from }) => from.map(({ origin }) => origin)),
    ['public', 'direct'],
  )
  assert.equal(warnings.length, 2)
  assert.match(warnings[0]!, /no route names the origin releases/)
  assert.match(warnings[1]!, /no tokens for it/)
  const auditor = `tokens: { auditor: { token: ${TOKEN}, may: [audit] } }`
  assert.match((await load({ yaml: `${yaml}\n${auditor}` })).warnings.join('\n'), /no tokens for it/)
})

test('an upload alone leaves the rest to GOPROXY', async () => {
  const { config } = await load({ yaml: 'origins: { releases: { type: upload } }' })
  assert.deepEqual([...config.origins.keys()], ['proxy.golang.org'])
})

const mistakes: [yaml: string, expected: RegExp][] = [
  [
    'tokens: { ci: { token: short, may: [publish] } }',
    /tokens\.ci\.token: expected 16 characters or more, found 5$/,
  ],
  [`tokens: { ci: { token: "has spaces 0123456789", may: [publish] } }`, /without spaces/],
  [`tokens: { ci: { token: ${TOKEN}, may: [] } }`, /tokens\.ci\.may: expected a list of "publish", "delete"/],
  [
    `tokens: { ci: { token: ${TOKEN}, may: [admin] } }`,
    /tokens\.ci\.may\[0\]: expected one of "publish", "delete"/,
  ],
  [`tokens: { ci: { token: ${TOKEN} } }`, /tokens\.ci\.may: missing/],
  ['tokens: { ci: { token: 1234567890123456, may: [publish] } }', /a number \(hidden\)/],
  [
    `tokens: { a: { token: ${TOKEN}, may: [publish] }, b: { token: ${TOKEN}, may: [delete] } }`,
    /tokens\.b\.token: is the same as that of a$/,
  ],
  ['origins: { r: { type: upload, url: "https://a" } }', /origins\.r\.url: unknown key/],
  ['origins: { r: { type: uplaod } }', /origins\.r\.type: expected one of "goproxy", .*"upload"/],
  ['origins: { r: {} }', /origins\.r\.url: missing: expected a URL/],
]

test('mistakes', async () => {
  for (const [yaml, expected] of mistakes) {
    const problems = (await problemsOf({ yaml })).join('\n')
    assert.match(problems, new RegExp(expected, 'm'))
    assert.ok(!problems.includes(TOKEN), 'no secret is shown')
  }
})

test('what is set up and will not work, or not safely', async () => {
  const yaml = `
listen: ":6637"
origins: { releases: { type: upload } }
tokens: { ci: { token: ${TOKEN}, may: [publish] } }
routes: [{ modules: go.corp.example, from: [releases] }]
`
  const { warnings } = await load({ yaml })
  assert.match(warnings.join('\n'), /go\.corp\.example must be in the checksum database sum\.golang\.org/)
  assert.match(warnings.join('\n'), /tokens travel unencrypted/)
  const behind = await load({ yaml: `${yaml}\npublicUrl: https://go.corp.example` })
  assert.doesNotMatch(behind.warnings.join('\n'), /unencrypted/)
})
