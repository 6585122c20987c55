import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { JWTPayload } from 'jose'
import type { WorkloadIssuer, WorkloadRule } from '../../config/access/access-config.ts'
import { bearer, ISSUER, setUp } from '../issued/issued.fixture.ts'
import { flatClaims } from './claims.ts'
import { matchesGlob } from './glob.ts'
import { GITLAB_RULE, issueTokens } from './workloads.fixture.ts'
import type { Exchanged } from './workloads.ts'

async function place(t: TestContext, more: Partial<WorkloadIssuer> = {}, usual?: JWTPayload) {
  const { clock, open } = await setUp(t)
  const issuer = await issueTokens(t, clock, more, usual)
  const { workloads, judge, sessions } = await open({ workloads: [issuer.issuer] })
  const exchange = (token: string) => workloads!.exchange(token)
  return { ...issuer, clock, exchange, judge, sessions, narrow: workloads!.exchange }
}

function tokenOf(given: Exchanged): string {
  assert.ok('accessToken' in given, JSON.stringify(given))
  return given.accessToken
}

function refusedBy(given: Exchanged): string {
  assert.ok('refused' in given, 'it was exchanged')
  return given.refused
}

test('patterns: a star stops at a slash, two do not', () => {
  const cases: [pattern: string, fits: string[], not: string[]][] = [
    ['corp/app', ['corp/app'], ['corp/app2', 'corp/ap', 'Corp/app', '', 'xcorp/app', 'corp/app\n']],
    ['corp/*', ['corp/app', 'corp/'], ['corp', 'corp/app/sub', 'corpx/app', 'evil/corp/app']],
    ['corp/**', ['corp/app', 'corp/app/sub/x'], ['corp', 'corpx/app']],
    ['*', ['', 'main'], ['a/b']],
    ['**', ['', 'main', 'a/b'], []],
    ['release-*-rc*', ['release-1-rc', 'release-1-2-rc3'], ['release-1', 'release-1/-rc']],
    ['repo:corp/*:ref:refs/heads/**', ['repo:corp/a:ref:refs/heads/x/y'], ['repo:corp/a/b:ref:refs/heads/x']],
    ['v1.*', ['v1.2'], ['v1x2']],
    ['(a|b)+[x]?', ['(a|b)+[x]?'], ['a', 'ab']],
    ['***', ['a/b'], []],
    ['é*', ['éa'], ['ea']],
  ]
  for (const [pattern, fits, not] of cases) {
    for (const text of fits) assert.ok(matchesGlob(pattern, text), `${pattern} fits ${text}`)
    for (const text of not) assert.ok(!matchesGlob(pattern, text), `${pattern} does not fit ${text}`)
  }
  // As many steps as both are long: a backtracking matcher would never end.
  assert.equal(matchesGlob(`${'**a'.repeat(60)}b`, 'a'.repeat(1024)), false)
})

test('patterns fit what the regular expression fits that they stand for', () => {
  const part = fc.constantFrom('*', '**', 'a', 'b', '/', '.', '(', 'é', '😀')
  const letter = fc.constantFrom('a', 'b', '/', '.', '(', 'é', '😀', '\n')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.array(letter, { maxLength: 10 }), (parts, letters) => {
      const [pattern, text] = [parts.join(''), letters.join('')]
      const source = pattern.replaceAll(/\*{2,}|\*|[^*]/gu, (token) =>
        token === '*' ? '[^/]*' : token.startsWith('*') ? '[^]*' : token.replace(/[.(/]/, '\\$&'),
      )
      assert.equal(
        matchesGlob(pattern, text),
        new RegExp(`^${source}$`, 'u').test(text),
        `${pattern} ${text}`,
      )
    }),
    { numRuns: 2000 },
  )
})

test('claims within others, lists, and what cannot be asked for', () => {
  const flat = flatClaims({
    text: 'a',
    yes: true,
    count: 7,
    list: ['a', 'b', { c: 1 }],
    none: null,
    empty: [],
    long: 'x'.repeat(1025),
    'kubernetes.io': { namespace: 'ci', serviceaccount: { name: 'builder' } },
    deep: { a: { b: { c: { d: 'too deep' } } } },
    'x/y': 'first',
    x: { y: 'second' },
  })
  assert.deepEqual(Object.fromEntries(flat), {
    text: ['a'],
    yes: ['true'],
    count: ['7'],
    list: ['a', 'b'],
    'kubernetes.io/namespace': ['ci'],
    'kubernetes.io/serviceaccount/name': ['builder'],
    'x/y': ['first'],
  })
  assert.ok(
    flatClaims(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`c${i}`, 'x']))).size <= 200,
  )
})

test('a GitLab job becomes who its rule says, for as long as that says', async (t) => {
  const { exchange, sign, judge, clock, narrow } = await place(t)
  const token = tokenOf(await exchange(await sign()))
  const principal = bearer(await judge(token))
  assert.deepEqual([principal?.kind, principal?.id, principal?.groups], ['workload', 'ci-corp/app', ['ci']])
  assert.deepEqual(principal?.limit, { permissions: ['module:read'], modules: ['corp.example'] })
  assert.equal(principal?.claims.pipeline_id, '574')
  // Jobs run in parallel: the same one again is fine.
  const again = await sign()
  assert.notEqual(tokenOf(await exchange(again)), tokenOf(await exchange(again)))
  const less = await narrow(await sign(), ['module:publish', 'token:create'])
  assert.deepEqual(
    bearer(await judge(tokenOf(less)))?.limit?.permissions,
    [],
    'what is asked for never widens',
  )
  clock.now += 899_000
  assert.equal(bearer(await judge(token))?.id, 'ci-corp/app', 'it outlives the token that was exchanged')
  clock.now += 1_000
  assert.equal(bearer(await judge(token)), undefined)
})

test('the first rule that fits counts', async (t) => {
  const rule = (
    name: string,
    when: Record<string, string[]>,
    more: Partial<WorkloadRule> = {},
  ): WorkloadRule => ({
    when: new Map(Object.entries(when)),
    as: { kind: 'workload', name },
    groups: [],
    lifetime: 600_000,
    untilTokenEnds: false,
    ...more,
  })
  const { exchange, sign, judge, clock } = await place(t, {
    rules: [
      rule('release', { ref_type: ['tag'], ref: ['v*'] }, { untilTokenEnds: true }),
      rule('protected', { ref_protected: ['true'], environment: ['prod', 'staging'] }),
      rule(
        'deploy-{deployment_tier}',
        { project_path: ['corp/deploy'] },
        { as: { kind: 'service', name: 'deploy-{deployment_tier}' } },
      ),
      rule('{user_email}', { pipeline_source: ['schedule'] }),
    ],
  })
  const idOf = async (claims: JWTPayload) => bearer(await judge(tokenOf(await exchange(await sign(claims)))))
  assert.equal((await idOf({ ref_type: 'tag', ref: 'v1.0.0' }))?.id, 'release')
  assert.equal((await idOf({ environment: 'staging' }))?.id, 'protected')
  const service = await idOf({ environment: 'x', project_path: 'corp/deploy', deployment_tier: 'staging' })
  assert.deepEqual([service?.kind, service?.id], ['service', 'deploy-staging'])
  const odd = { environment: 'x', pipeline_source: 'schedule' }
  assert.equal((await idOf(odd))?.id, 'alice@corp.example')
  for (const user_email of [undefined, '', 'a b', 'a\r\nX: y', ['a', 'b'], { a: 1 }, 'x'.repeat(300)])
    assert.match(refusedBy(await exchange(await sign({ ...odd, user_email }))), /genuine, but/)
  const colon = { environment: 'x', project_path: 'corp/deploy', deployment_tier: 'a:b' }
  assert.match(refusedBy(await exchange(await sign(colon))), /genuine, but/)

  const token = tokenOf(
    await exchange(await sign({ ref_type: 'tag', ref: 'v1', exp: clock.now / 1000 + 5000 })),
  )
  clock.now += 4_999_000
  assert.equal(bearer(await judge(token))?.id, 'release')
  clock.now += 1_000
  assert.equal(bearer(await judge(token)), undefined)
  const just = await sign({ ref_type: 'tag', ref: 'v1', exp: clock.now / 1000 - 10 })
  assert.match(
    refusedBy(await exchange(just)),
    /expired/,
    'within the skew of the clocks, but nothing is left of it',
  )
  const never = await exchange(await sign({ ref_type: 'tag', ref: 'v1', exp: clock.now / 1000 + 1e9 }))
  assert.equal('expiresIn' in never && never.expiresIn, 86_400)
})

test('no rule fits', async (t) => {
  const { exchange, sign } = await place(t)
  for (const claims of [
    { project_path: 'corp/app/sub' },
    { project_path: 'corpx/app' },
    { project_path: undefined },
    { project_path: { '': 'corp/app' } },
    { ref_protected: 'false' },
    { ref_protected: null },
    { environment: 'prod2' },
    { environment: ['x', 'y'] },
  ] as JWTPayload[]) {
    const given = await exchange(await sign(claims))
    assert.match(refusedBy(given), /genuine, and no rule/)
    assert.ok('claims' in given && given.claims?.namespace_path === 'corp' && !('jti' in given.claims))
  }
})

test('what is not of the issuer, or not meant for here, gets nothing and tells no claims', async (t) => {
  const { exchange, sign, forge, sessions, clock } = await place(t)
  const second = clock.now / 1000
  const own = await sessions.begin({ principal: { kind: 'user', id: 'alice', groups: [] }, via: 'password' })
  const [head, body] = (await sign()).split('.')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  const cases: [token: string, reason: RegExp][] = [
    [await forge(), /cannot be verified/],
    [await forge({}, { kid: 'two' }), /cannot be verified/],
    [await forge({ aud: 'x' }), /cannot be verified/],
    [`${none}.${body}.`, /cannot be verified/],
    [`${head}.${body}.`, /cannot be verified/],
    [await sign({ aud: 'https://other.example' }), /audience/],
    [await sign({ aud: [ISSUER + '.evil.example'] }), /audience/],
    [await sign({ aud: undefined }), /claims/],
    [await sign({ exp: second - 31 }), /expired/],
    [await sign({ nbf: second + 31 }), /not valid yet/],
    [await sign({ exp: undefined }), /claims/],
    [await sign({ iss: 'https://evil.example' }), /nobody whose tokens/],
    [await sign({ iss: undefined }), /nobody whose tokens/],
    [own.accessToken, /nobody whose tokens/],
    [own.refreshToken, /not a JSON Web Token/],
    ['', /not a JSON Web Token/],
  ]
  for (const [token, reason] of cases) {
    const given = await exchange(token)
    assert.match(refusedBy(given), reason)
    assert.ok(!('claims' in given))
  }
})

test('a GitHub Actions job and a Kubernetes service account', async (t) => {
  const github = await place(
    t,
    {
      type: 'github',
      issuer: 'https://token.actions.githubusercontent.com',
      rules: [
        {
          ...GITLAB_RULE,
          when: new Map([['sub', ['repo:corp/*:ref:refs/heads/main']]]),
          as: { kind: 'workload', name: 'gh-{repository}' },
        },
      ],
    },
    {
      sub: 'repo:corp/app:ref:refs/heads/main',
      repository: 'corp/app',
      repository_owner: 'corp',
      repository_owner_id: '65',
      repository_visibility: 'private',
      ref: 'refs/heads/main',
      ref_type: 'branch',
      event_name: 'push',
      workflow: 'build',
      job_workflow_ref: 'corp/app/.github/workflows/build.yml@refs/heads/main',
      run_attempt: '2',
      actor: 'alice',
      jti: 'x',
    },
  )
  assert.equal(
    bearer(await github.judge(tokenOf(await github.exchange(await github.sign()))))?.id,
    'gh-corp/app',
  )
  assert.match(
    refusedBy(await github.exchange(await github.sign({ sub: 'repo:corp/app:pull_request' }))),
    /no rule/,
  )

  const cluster = await place(
    t,
    {
      type: 'kubernetes',
      issuer: 'https://kubernetes.default.svc.cluster.local',
      rules: [
        {
          ...GITLAB_RULE,
          when: new Map([['kubernetes.io/namespace', ['ci-*']]]),
          as: { kind: 'workload', name: 'k8s-{kubernetes.io/namespace}-{kubernetes.io/serviceaccount/name}' },
        },
      ],
    },
    {
      sub: 'system:serviceaccount:ci-go:builder',
      'kubernetes.io': {
        namespace: 'ci-go',
        node: { name: 'n1', uid: 'u' },
        pod: { name: 'build-1', uid: 'u' },
        serviceaccount: { name: 'builder', uid: 'u' },
      },
    },
  )
  const token = tokenOf(await cluster.exchange(await cluster.sign()))
  assert.equal(bearer(await cluster.judge(token))?.id, 'k8s-ci-go-builder')
})
