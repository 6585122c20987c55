import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from './load.fixture.ts'
import { describeConfig, formatConfig } from './show.ts'

test('hooks with their secrets, from the environment and from files', async () => {
  const yaml = `hooks:
  gitlab: { type: gitlab, secret: "\${HOOK_SECRET}" }
  forge: { type: gitea, secret: "file:/run/hook" }
  signed: { type: gitlab, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw }
  "off.script": { type: generic, secret: hunter2-hunter2-hunter2 }
`
  const { config } = await load({
    yaml,
    env: { HOOK_SECRET: 'hunter2-hunter2-hunter2' },
    files: { '/run/hook': 'hunter2-hunter2-hunter2\n' },
  })
  assert.deepEqual(
    [...config.hooks.values()].map(({ name, type, secret }) => [name, type, secret.slice(0, 7)]),
    [
      ['gitlab', 'gitlab', 'hunter2'],
      ['forge', 'gitea', 'hunter2'],
      ['signed', 'gitlab', 'whsec_M'],
      ['off.script', 'generic', 'hunter2'],
    ],
  )
  assert.doesNotMatch(formatConfig(config), /hunter2|whsec/)
  assert.deepEqual((describeConfig(config).hooks as Record<string, unknown>).forge, {
    type: 'gitea',
    secret: '(hidden)',
  })
})

test('mistakes are named without the secret', async () => {
  const rows: [hook: string, problem: RegExp][] = [
    [
      '{ type: gitlap, secret: hunter2-hunter2-hunter2 }',
      /hooks\.a\.type: expected one of "gitlab".*found "gitlap"/,
    ],
    ['{ type: gitlab }', /hooks\.a\.secret: missing/],
    ['{ type: gitlab, secret: "" }', /hooks\.a\.secret: expected a secret.*found an empty text/],
    ['{ type: gitlab, secret: 12345 }', /number \(hidden\)/],
    ['{ type: gitlab, secret: "${NOT_SET}" }', /NOT_SET is not set/],
    ['{ type: gitlab, secret: "whsec_hunter2!" }', /expected base64 after "whsec_"/],
    ['{ type: gitlab, secret: hunter2 }', /hooks\.a\.secret: expected 16 characters or more, found 7/],
    ['{ type: gitlab, secret: "file:/empty" }', /found an empty file/],
    ['{ type: gitlab, secret: hunter2-hunter2-hunter2, tokn: hunter2-hunter2-hunter2 }', /unknown key/],
    ['hunter2-hunter2-hunter2', /hooks\.a: expected a mapping.*found a text \(hidden\)/],
  ]
  for (const [hook, problem] of rows) {
    const text = (await problemsOf({ yaml: `hooks: { a: ${hook} }`, files: { '/empty': '\n' } })).join('\n')
    assert.match(text, problem, hook)
    assert.doesNotMatch(text, /hunter2|12345/)
  }
  assert.match(
    (await problemsOf({ yaml: 'hooks: { a/b: { type: gitlab, secret: x } }' }))[0]!,
    /expected a name/,
  )
})
