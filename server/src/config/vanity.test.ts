import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from './load.fixture.ts'
import { describeConfig } from './show.ts'

const ROUTES = 'routes: [{ modules: go.corp.example, private: true }]\n'
const PUBLIC = `publicUrl: https://go.corp.example\n${ROUTES}`

function rule(more: string, modules = '"go.corp.example/*"'): string {
  return `${PUBLIC}vanity: [{ modules: ${modules}, ${more} }]`
}

test('a rule with its defaults, and with everything', async () => {
  const { config, warnings } = await load({ yaml: rule('repository: "https://git.corp.example/{path}"') })
  assert.deepEqual(config.vanity, [
    {
      modules: ['go.corp.example/*'],
      repository: 'https://git.corp.example/{path}',
      subdirectory: '',
      source: 'none',
    },
  ])
  assert.deepEqual(warnings, [])
  const source =
    '{ home: "https://x.example/{1}", directory: "https://x.example/{1}{/dir}", file: "https://x.example/{1}{/dir}/{file}#{line}" }'
  const full = await load({
    yaml: rule(
      `repository: "ssh://git@git.corp.example:22/mono.git", subdirectory: "libs/{path}", source: ${source}`,
    ),
  })
  assert.equal(full.config.vanity[0]!.subdirectory, 'libs/{path}')
  assert.deepEqual(describeConfig(full.config).vanity, [
    {
      modules: ['go.corp.example/*'],
      repository: 'ssh://git@git.corp.example:22/mono.git',
      subdirectory: 'libs/{path}',
      source: {
        home: 'https://x.example/{1}',
        directory: 'https://x.example/{1}{/dir}',
        file: 'https://x.example/{1}{/dir}/{file}#{line}',
      },
    },
  ])
})

test('without publicUrl the pages guess, and a warning says so', async () => {
  const { warnings } = await load({
    yaml: 'vanity: [{ modules: "a.example/*", repository: "https://git.example/{path}" }]',
  })
  assert.match(warnings.join('\n'), /set publicUrl/)
  assert.deepEqual((await load({ yaml: '' })).warnings, [])
})

test('a rule that no route is for is warned of', async () => {
  const rows: [modules: string, routes: string, warned: boolean][] = [
    ['go.corp.example/*', '', true],
    ['go.corp.example/*', '{ modules: go.corp.example/lib, private: true }', true],
    ['go.corp.example/*', '{ modules: "go.corp.example/a*", private: true }', true],
    ['go.corp.example/*', '{ modules: "*" }, { modules: go.corp.example, private: true }', true],
    ['go.corp.example/*', '{ modules: go.corp.example, private: true }', false],
    ['go.corp.example/*', '{ modules: "go.corp.example/*", private: true }', false],
    ['go.corp.example/*', '{ modules: "*.corp.example", private: true }', false],
    ['go.corp.example/[ab]', '{ modules: "go.corp.example/[ab]", private: true }', false],
    ['go.corp.example/*', '{ modules: "*", private: true }', false],
    ['go.corp.example/*', '{ modules: "*", from: off }', false],
    // A route of their own was thought of, and says that they are public.
    ['go.corp.example/*', '{ modules: go.corp.example, from: direct }', false],
  ]
  for (const [modules, routes, warned] of rows) {
    const yaml = `publicUrl: https://go.corp.example\nroutes: [${routes}]\nvanity: [{ modules: "${modules}", repository: "https://git.corp.example/{path}" }]`
    const expected = [
      `the route for everything takes the modules of vanity[0], ${modules}, so that its origins and its checksum database hear their names: write { modules: "${modules}", from: [ORIGIN], private: true } in routes, with the origin that has them (without private if they are public)`,
    ]
    const found = (await load({ yaml })).warnings.filter((warning) => warning.includes('vanity'))
    assert.deepEqual(found, warned ? expected : [], routes)
  }
})

test('mistakes', async () => {
  const rows: [more: string, modules: string | undefined, problem: RegExp][] = [
    [
      'repository: "git@git.corp.example:{path}"',
      undefined,
      /vanity\[0\]\.repository: expected a URL of https:/,
    ],
    ['repository: "file:///srv/{path}"', undefined, /expected a URL of https:/],
    ['repository: "https://{1}/x"', undefined, /braces in its path only/],
    ['repository: "https://git.{path}.example/x"', undefined, /braces in its path only/],
    ['repository: "https://u:hunter2@git.example/{path}"', undefined, /without credentials.*\(hidden\)@/],
    ['repository: "https://hunter2@git.example/{path}"', undefined, /without credentials.*\(hidden\)@/],
    ['repository: "https://git.example/{path}?x"', undefined, /without "\?" and "#"/],
    ['repository: "https://git.example/{path} b"', undefined, /expected a URL/],
    ['repository: "https://git.example/{name}"', undefined, /expected braces only as \{path\}, \{1\}/],
    ['repository: "https://git.example/{path"', undefined, /expected braces only as/],
    ['repository: "https://git.example/{2}"', undefined, /expected no \{2\}, which stands for wildcards/],
    ['repository: "https://git.example/{path}"', 'go.corp.example/tool', /expected no \{path\}/],
    ['repository: "https://git.example/{path}"', '["a.example/*", "b.example/x"]', /expected no \{path\}/],
    ['repository: "https://git.example/{/dir}"', undefined, /expected braces only as/],
    [
      'repository: "https://git.example/x"',
      '"go.corp.example//x"',
      /modules\[0\]: the pattern .* empty element/,
    ],
    ['repository: "https://git.example/x"', "'go.corp.example/a\\/b'", /the pattern .* is no use/],
    [
      'repository: "https://git.example/x", subdirectory: "/x"',
      undefined,
      /subdirectory: expected a relative path/,
    ],
    ['repository: "https://git.example/x", subdirectory: "a/../b"', undefined, /expected a relative path/],
    ['repository: "https://git.example/x", subdirectory: "-a"', undefined, /no dash in front/],
    [
      'repository: "https://git.example/x", source: gitlap',
      undefined,
      /source: expected one of "none", "gitlab"/,
    ],
    [
      'repository: "https://git.example/x", source: { home: "javascript:x", directory: "https://a/b", file: "https://a/b" }',
      undefined,
      /source\.home: expected a URL of https: or http:/,
    ],
    [
      'repository: "https://git.example/x", source: { home: "https://a/b" }',
      undefined,
      /source\.directory: missing/,
    ],
  ]
  for (const [more, modules, problem] of rows) {
    const text = (await problemsOf({ yaml: rule(more, modules) })).join('\n')
    assert.match(text, problem, more)
    assert.doesNotMatch(text, /hunter2/)
  }
})
