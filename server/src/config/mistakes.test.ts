import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from './load.fixture.ts'

/** A file, and how each line of the error begins. */
const cases: [name: string, yaml: string, expected: string[]][] = [
  ['unknown key', 'lisen: 1', ['1:1: lisen: unknown key; did you mean "listen"?']],
  [
    'unknown key like no other',
    'origins:\n  a: { url: "https://a", zzzzzz: 1 }',
    ['2:26: origins.a.zzzzzz: unknown key; known here: type, url,'],
  ],
  [
    'unknown key deep down',
    'origins:\n  a:\n    url: https://a\n    timeouts:\n      idel: 1s',
    ['5:7: origins.a.timeouts.idel: unknown key; did you mean "idle"?'],
  ],
  [
    'wrong type',
    'log:\n  requests: sometimes',
    ['2:13: log.requests: expected true or false, found "sometimes"'],
  ],
  ['a list for a text', 'dataDir: [a]', ['1:10: dataDir: expected the path of a folder, found a list']],
  [
    'nothing for a mapping',
    'tls:',
    [
      '1:5: tls: expected a mapping with keys of cert, key, keyPassword, minVersion, clientCa, clientCrl, clientListen, trustDomains, found nothing',
    ],
  ],
  [
    'a text for a mapping',
    'origins: https://proxy.golang.org',
    ['1:10: origins: expected a mapping of names, found "https://proxy.golang.org"'],
  ],
  [
    'duration',
    'shutdownGrace: soon',
    ['1:16: shutdownGrace: expected a duration such as 250ms, 60s, 5m or a number of seconds, found "soon"'],
  ],
  [
    'duration below its least',
    'mirror: { modules: corp.example/lib, every: 1s }',
    [
      '1:45: mirror.every: expected a duration such as 250ms, 60s, 5m or a number of seconds (a minute at least), found "1s"',
    ],
  ],
  [
    'weights that change nothing',
    'origins: { a: { url: "https://a" }, b: { url: "https://b" } }\nroutes: [{ modules: "*", from: [a, b], weights: { a: 0, b: 0 } }]',
    ['2:49: routes[0].weights: expected weights above 0 for two origins at least, found 0'],
  ],
  [
    'a weight that is none',
    'origins: { a: { url: "https://a" }, b: { url: "https://b" } }\nroutes: [{ modules: "*", from: [a, b], weights: { a: -1, b: 1.5 } }]',
    [
      '2:54: routes[0].weights.a: expected a whole number from 0 to 1000000, found -1',
      '2:61: routes[0].weights.b: expected a whole number from 0 to 1000000, found 1.5',
    ],
  ],
  [
    'a misspelt word beside secrets',
    'tokens: { ci: { token: 0123456789-0123456789, may: [publsh] } }',
    ['1:53: tokens.ci.may[0]: expected one of "publish", "delete", "audit", found "publsh"'],
  ],
  [
    'a misspelt scheme',
    'origins: { a: { type: git, credentials: { token: x, scheme: baerer } } }',
    ['1:61: origins.a.credentials.scheme: expected one of "basic", "bearer", found "baerer"'],
  ],
  [
    'what may be a secret among words',
    'origins: { a: { type: git, credentials: { token: x, scheme: glpat-0123456789 } } }',
    ['1:61: origins.a.credentials.scheme: expected one of "basic", "bearer", found a text (hidden)'],
  ],
  ['duration beyond timers', 'shutdownGrace: 25d', ['1:16: shutdownGrace: expected a duration']],
  [
    'size',
    'memory: lots',
    ['1:9: memory: expected a size such as 64KiB, 128MiB or a number of bytes, at most 1TiB, found "lots"'],
  ],
  [
    'zip limit above what go takes',
    'origins: { a: { url: "https://a", limits: { zip: 501MiB } } }',
    ['1:50: origins.a.limits.zip: expected a size'],
  ],
  [
    'number out of bounds',
    'origins: { a: { url: "https://a", tries: 4 } }',
    ['1:42: origins.a.tries: expected a whole number from 1 to 3, found 4'],
  ],
  [
    'choice',
    'tls: { minVersion: SSLv3 }',
    [
      '1:1: tls.cert: missing',
      '1:1: tls.key: missing',
      '1:20: tls.minVersion: expected one of "TLSv1.2", "TLSv1.3", found "SSLv3"',
    ],
  ],
  [
    'one of several addresses',
    'listen:\n  - 127.0.0.1:1\n  - nowhere',
    ['3:5: listen[1]: expected an address'],
  ],
  [
    'public URL',
    'publicUrl: https://u:p@x.example',
    [
      '1:12: publicUrl: expected a URL such as https://go.corp.example, without credentials, "?" or "#", found "https://(hidden)@x.example"',
    ],
  ],
  [
    'path prefix that hides a page',
    'pathPrefix: /healthz/',
    ['1:13: pathPrefix: /healthz is a path of modstead itself; take another, such as /goproxy'],
  ],
  ['an API of ours', 'pathPrefix: /api/go', ['1:13: pathPrefix: /api is a path of modstead itself']],
  [
    'path prefix below a page',
    'pathPrefix: /metrics/go',
    ['1:13: pathPrefix: /metrics is a path of modstead itself'],
  ],
  [
    'path prefix that looks like a database',
    'pathPrefix: /sumdb',
    ['1:13: pathPrefix: /sumdb is a path of modstead itself'],
  ],
  ['path prefix', 'pathPrefix: go/../x', ['1:13: pathPrefix: expected a path such as /goproxy']],
  [
    'origin without URL',
    'origins:\n  mirror: { tries: 1 }',
    ['2:3: origins.mirror.url: missing: expected a URL'],
  ],
  [
    'origin of an unknown kind',
    'origins: { a: { type: svn, url: "https://a" } }',
    ['1:23: origins.a.type: expected one of "goproxy", "git", "upload", found "svn"'],
  ],
  [
    'origin with a reserved name',
    'origins: { direct: { url: "https://a" } }',
    ['1:20: origins.direct.type: expected "git": `direct` is the word for repositories'],
  ],
  ['origin called off', 'origins: { off: { type: git } }', ['1:12: origins.off: expected a name of letters']],
  [
    'origin URL of another scheme',
    'origins: { a: { url: "ssh://a" } }',
    ['1:22: origins.a.url: expected a URL of https:, http: or file:'],
  ],
  [
    'origin URL with a query',
    'origins: { a: { url: "https://a/?b" } }',
    ['1:22: origins.a.url: expected a URL without "?" and "#"'],
  ],
  [
    'credentials of two kinds',
    'origins: { a: { url: "https://a", credentials: { username: u, token: t } } }',
    [
      '1:48: origins.a.credentials: expected one of: username and password; token; netrc; cert and key, found username and token',
    ],
  ],
  [
    'credentials twice',
    'origins: { a: { url: "https://u:p@a", credentials: { token: t } } }',
    ['1:22: origins.a.url: a user name and password stand in the URL'],
  ],
  [
    'unknown origin',
    'origins: { public: { url: "https://a" } }\nroutes:\n  - modules: "*"\n    from: [publc]',
    ['4:12: routes[0].from[0]: no origin is named "publc"; did you mean "public"?'],
  ],
  [
    'origin whose own mistake is named already',
    'origins: { a: { url: 1 } }\nroutes: [{ modules: x, from: [a] }]',
    ['1:22: origins.a.url: expected a URL such as https://proxy.golang.org, found 1'],
  ],
  [
    'something after direct',
    'origins: { a: { url: "https://a" } }\nroutes: [{ modules: x, from: [direct, a] }]',
    ['2:39: routes[0].from[1]: nothing is ever asked after "direct"'],
  ],
  [
    'empty from',
    'routes: [{ modules: x, from: "," }]',
    ['1:30: routes[0].from: expected the name of an origin, found none'],
  ],
  [
    'fallback beside a text',
    'routes: [{ modules: x, from: "direct", fallback: any }]',
    ['1:50: routes[0].fallback: has no meaning'],
  ],
  [
    'route without modules does not hide the next',
    'routes:\n  - { from: [direct] }\n  - { modules: a//b, from: [nix] }',
    [
      '2:5: routes[0].modules: missing',
      '3:16: routes[1].modules[0]: the pattern "a//b" is no use: it has an empty element',
      '3:29: routes[1].from[0]: no origin is named "nix"',
    ],
  ],
  ['pattern', 'routes: [{ modules: ["[a"] }]', ['1:22: routes[0].modules[0]: the pattern "[a" is no use: ']],
  [
    'checksum database that is not there',
    'routes: [{ modules: x, checksum: sum.golang.com }]',
    [
      '1:34: routes[0].checksum: no checksum database is named "sum.golang.com"; did you mean "sum.golang.org"?',
    ],
  ],
  [
    'checksum database that is not known',
    'sumdb: sum.example.com',
    ['1:8: sumdb[0]: GOSUMDB="sum.example.com" is not valid'],
  ],
  [
    'checksum databases and off',
    'sumdb: [sum.golang.org, off]',
    ['1:25: sumdb[1]: "off" means no checksum database at all'],
  ],
  [
    'checksum database twice',
    'sumdb: [sum.golang.org, sum.golang.google.cn]',
    ['1:25: sumdb[1]: the checksum database sum.golang.org is given twice'],
  ],
  [
    'file that is not there',
    'origins: { a: { url: "https://a", ca: /none.pem } }',
    ['1:39: origins.a.ca: cannot read /none.pem: there is no such file'],
  ],
  ['key given twice', 'memory: 1\nmemory: 2', ['2:1: this key was given before in the same mapping']],
  [
    'several mistakes, in the order of the file',
    'memory: x\nlog: { level: x }\nlisen: 1',
    ['1:9: memory', '2:15: log.level', '3:1: lisen'],
  ],
]

test('each mistake: file, line, column, key, what was expected and found', async () => {
  for (const [name, yaml, expected] of cases) {
    const problems = await problemsOf({ yaml })
    assert.equal(problems.length, expected.length, `${name}:\n${problems.join('\n')}`)
    for (const [index, start] of expected.entries())
      assert.equal(problems[index]!.slice(0, start.length + 14), `modstead.yaml:${start}`, name)
  }
})

/** Broken YAML, and where. */
const broken: [yaml: string, expected: string][] = [
  ['a: "unclosed', '1:13: YAML syntax: something is not closed'],
  ['\ta: 1', '1:1: YAML syntax: tabs'],
  ['a: b: c', '1:4: YAML syntax: a second ": " on this line'],
  ['a:\n  - b\n c: 1', '3:1: YAML syntax: wrong indentation'],
  ['a: 1\n---\nb: 2', '2:1: YAML syntax: expected one document'],
  ['a: *x', '1:4: this alias (*) has no anchor (&)'],
  ['? [a, b]\n: c', '1:3: expected a text as the key'],
  ['- a', '1:1: expected keys and values'],
  ['text', '1:1: expected keys and values'],
]

test('broken YAML: one line, with its place', async () => {
  for (const [yaml, expected] of broken) {
    const problems = await problemsOf({ yaml })
    assert.equal(problems.length, 1, `${yaml}:\n${problems.join('\n')}`)
    assert.equal(problems[0]!.slice(0, expected.length + 14), `modstead.yaml:${expected}`)
  }
})

test('empty files and files of comments are fine', async () => {
  for (const yaml of ['', '\n', '# nothing\n', '---\n', 'null'])
    assert.equal((await load({ yaml })).config.routes.length, 1)
})

test('no error shows a secret', async () => {
  const env = { SECRET: 'hunter2-from-env' }
  const files: string[] = [
    'origins: { a: { url: "https://u:hunter2@a:port" } }',
    'origins: { a: { url: "u:hunter2@:x" } }',
    'origins: { a: { url: "ssh://hunter2@a" } }',
    'origins: { a: { url: "https://${SECRET}:x" } }',
    'origins: { a: { url: "https://a", credentials: { token: [hunter2] } } }',
    'origins: { a: { url: "https://a", credentials: { password: hunter2 } } }',
    'origins: { a: { url: "https://a", credentials: { username: hunter2, token: hunter2 } } }',
    'origins: { a: { url: "https://a", credentials: { token: "${SECRET}", netrc: x } } }',
    'log: { level: "${SECRET}" }',
    'sumdb: "${SECRET}"',
    'sumdb: "sum.golang.org https://u:hunter2@host"',
    'routes: [{ modules: "${SECRET}//x", from: "${SECRET}" }]',
    'token: "hunter2',
    'token: "hunter2" hunter2',
    'token: hunter2: hunter2',
    'token: *hunter2',
    'token: !hunter2 a\n- hunter2',
    'token: "\\hunter2"',
  ]
  for (const yaml of files) {
    const text = (await problemsOf({ yaml, env })).join('\n')
    assert.ok(!text.includes('hunter2'), `${yaml}\n${text}`)
  }
  for (const upstream of [
    'https://u:hun,ter2@a',
    'https://u:hunter2@a:b',
    'u:hunter2@a:b',
    'x://hunter2@a',
  ]) {
    const text = (await problemsOf({ flags: { upstream } })).join('\n')
    assert.ok(!/hun|ter2/.test(text), text)
  }
})

test('a variable that is not set is named, wherever it stands', async () => {
  assert.deepEqual(await problemsOf({ yaml: 'dataDir: "${DATA}/x"\norigins: { a: { url: "${URL}" } }' }), [
    'modstead.yaml:1:10: dataDir: the environment variable DATA is not set',
    'modstead.yaml:2:22: origins.a.url: the environment variable URL is not set',
  ])
  assert.match(
    (await problemsOf({ yaml: 'dataDir: "${DA-TA}"' }))[0]!,
    /1:10: dataDir: "\$\{" must be followed/,
  )
})
