import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { GITLAB_CLAIMS } from '../access/workloads/workloads.fixture.ts'
import { temporaryFolder } from '../observe/test-support.ts'
import { runHere } from './run.fixture.ts'

const yaml = `
access:
  workloads:
    gitlab:
      type: gitlab
      issuer: https://gitlab.corp.example
      audience: go
      rules:
        - { when: { project_path: other/app }, as: "workload:other" }
        - { when: { project_path: "corp/*", ref_protected: "true" }, as: "workload:ci-{project_path}", groups: ci, can: [module:read], modules: corp.example, lifetime: 20m }
        - { when: { ref: "v*" }, as: "workload:{user_email}", untilTokenEnds: true }
`
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const GOOD = { iss: 'https://gitlab.corp.example', aud: 'go', exp: Date.now() / 1000 + 300, ...GITLAB_CLAIMS }

test('what the rules make of the token of a job', async (t) => {
  const file = join(await temporaryFolder(t), 'id-token')
  const explain = async (claims: object, alg = 'RS256') => {
    await writeFile(file, `${encode({ alg })}.${encode({ ...GOOD, ...claims })}.signature\n`)
    return runHere({ args: ['token', 'explain', file], yaml })
  }
  const good = await explain({})
  assert.deepEqual([good.code, good.stderr], [0, ''])
  assert.match(
    good.stdout,
    /^ {2}project_path: corp\/app$[^]*^rule: access\.workloads\.gitlab\.rules\[1\]\nbearer: workload:ci-corp\/app\ngroups: ci\nat most: module:read, for corp\.example\nholds: 20m\n$/m,
  )
  const cases: [claims: object, said: RegExp, code: number][] = [
    [
      { project_path: 'x/y', ref: 'v1' },
      /bearer: workload:alice@corp\.example\n.*\nat most: all.*\nholds: until 20/,
      0,
    ],
    [{ iss: 'https://gitlab.corp.example/' }, /refused: no entry of access\.workloads has its issuer/, 1],
    [{ aud: ['x', 'y'] }, /refused: its audience \(aud\) is none of go/, 1],
    [{ exp: 5 }, /refused: it has expired, 1970-01-01/, 1],
    [{ exp: 'soon' }, /refused: it has no end/, 1],
    [{ nbf: GOOD.exp + 1e5 }, /refused: it is not valid before/, 1],
    [{ ref_protected: 'false' }, /refused: none of the 3 rules fits/, 1],
    [{ project_path: 'x/y', ref: 'v1', user_email: 'a b' }, /refused: the name of its bearer/, 1],
    [{ ref: '\u001b[31mred' }, /ref: \?\[31mred/, 0],
  ]
  for (const [claims, said, code] of cases) {
    const ran = await explain(claims)
    assert.match(ran.stdout, said)
    assert.equal(ran.code, code)
  }
  assert.match((await explain({}, 'none')).stdout, /refused: its alg is none, and RS256 are taken/)
  for (const odd of ['', 'a.b.c', 'bnVsbA.bnVsbA.x', 'x'.repeat(100_000)]) {
    await writeFile(file, odd)
    const ran = await runHere({ args: ['token', 'explain', file], yaml })
    assert.deepEqual([ran.code, ran.stdout], [2, ''])
    assert.match(ran.stderr, /no JSON Web Token/)
  }
  assert.match(
    (await runHere({ args: ['token', 'explain', '/nowhere'], yaml })).stderr,
    /cannot read \/nowhere/,
  )
})
