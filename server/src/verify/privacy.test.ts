import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrivacy } from './privacy.ts'

const settings = { goPrivate: 'p.example', goNoProxy: 'x.example', goNoSumdb: 's.example/team' }

const rows: [
  module: string,
  database: string | undefined,
  named: boolean,
  asked: RegExp | true,
  proxies: boolean,
][] = [
  ['a.example', 'sum.golang.org', false, true, true],
  ['p.example/a', 'sum.golang.org', false, /^GOPRIVATE covers it$/, false],
  ['x.example', 'sum.golang.org', false, /^GONOPROXY/, false],
  ['s.example/team/a', 'sum.golang.org', false, /^GONOSUMDB/, true],
  ['s.example/other', 'sum.golang.org', false, true, true],
  // A public one stays public, however it was named.
  ['p.example/a', 'sum.golang.org', true, /GOPRIVATE/, false],
  ['s.example/team', 'sum.golang.org', true, /GONOSUMDB/, true],
  // One's own, as `go` asks it.
  ['p.example/a', 'sum.corp.example', false, true, false],
  ['x.example', 'sum.corp.example', false, true, false],
  ['s.example/team', 'sum.corp.example', false, /GONOSUMDB/, true],
  // One's own, by a flag.
  ['s.example/team', 'sum.corp.example', true, true, true],
  ['p.example/a', 'sum.corp.example', true, true, false],
  ['a.example', undefined, false, /GOSUMDB is off/, true],
  ['golang.org/toolchain', undefined, false, /off/, true],
]

test('who may be told a name', () => {
  for (const [module, database, named, asked, proxies] of rows) {
    const privacy = createPrivacy({ ...settings, ...(database !== undefined && { database }), named })
    const why = privacy.whyNotDatabase(module)
    if (asked === true) assert.equal(why, undefined, `${module} at ${database}`)
    else assert.match(why ?? '', asked, `${module} at ${database}`)
    assert.equal(privacy.mayAskProxies(module), proxies, module)
  }
})

test('a toolchain is public whatever the settings say', () => {
  const privacy = createPrivacy({
    goPrivate: '*',
    goNoProxy: '*',
    goNoSumdb: '*',
    database: 'sum.golang.org',
    named: false,
  })
  assert.equal(privacy.whyNotDatabase('golang.org/toolchain'), undefined)
  assert.match(privacy.whyNotDatabase('golang.org/x/mod') ?? '', /GOPRIVATE/)
})
