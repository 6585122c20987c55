import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { VanityRule } from '../config/config.ts'
import { createVanity } from './vanity.ts'

function rule(modules: string, repository: string, more: Partial<VanityRule> = {}): VanityRule {
  return { modules: modules.split(','), repository, subdirectory: '', source: 'none', ...more }
}

const RULES = [
  rule('go.corp.example/platform/*/*', 'https://git.corp.example/platform/{1}/{2}'),
  rule('go.corp.example/mono', 'ssh://git@git.corp.example:2222/mono.git'),
  rule('go.corp.example/libs/*', 'https://git.corp.example/mono', { subdirectory: 'libs/{path}' }),
  rule('go.corp.example/t-[ab]*,go.corp.example/x?', 'https://git.corp.example/{path}/{1}'),
  rule('go.corp.example/*', 'https://git.corp.example/go/{path}'),
  rule('*.example/only', 'https://git.corp.example/{path}'),
]

suite('what an import path stands for', () => {
  const find = createVanity(RULES)

  test('root, repository and folder', () => {
    const table: [path: string, root: string, repository: string, subdirectory?: string][] = [
      ['go.corp.example/tool', 'go.corp.example/tool', 'https://git.corp.example/go/tool'],
      ['go.corp.example/tool/a/b', 'go.corp.example/tool', 'https://git.corp.example/go/tool'],
      ['go.corp.example/tool/v2', 'go.corp.example/tool', 'https://git.corp.example/go/tool'],
      ['go.corp.example/Tool/v2/x+y', 'go.corp.example/Tool', 'https://git.corp.example/go/Tool'],
      [
        'go.corp.example/platform/team/svc/api',
        'go.corp.example/platform/team/svc',
        'https://git.corp.example/platform/team/svc',
      ],
      ['go.corp.example/platform/v2', 'go.corp.example/platform', 'https://git.corp.example/go/platform'],
      ['go.corp.example/platform/a/v2', 'go.corp.example/platform', 'https://git.corp.example/go/platform'],
      ['go.corp.example/platform/v3/a', 'go.corp.example/platform', 'https://git.corp.example/go/platform'],
      ['go.corp.example/mono/x', 'go.corp.example/mono', 'ssh://git@git.corp.example:2222/mono.git'],
      [
        'go.corp.example/libs/log/v2/x',
        'go.corp.example/libs/log',
        'https://git.corp.example/mono',
        'libs/log',
      ],
      ['go.corp.example/t-apple', 'go.corp.example/t-apple', 'https://git.corp.example/t-apple/t-apple'],
      ['go.corp.example/t-c', 'go.corp.example/t-c', 'https://git.corp.example/go/t-c'],
      ['go.corp.example/xy', 'go.corp.example/xy', 'https://git.corp.example/xy/xy'],
      ['a.example/only/x', 'a.example/only', 'https://git.corp.example/a.example/only'],
    ]
    for (const [path, root, repository, subdirectory = ''] of table) {
      const found = find(path)
      assert.deepEqual(
        found && [found.path, found.root, found.repository, found.subdirectory],
        [path, root, repository, subdirectory],
        path,
      )
    }
  })

  test('what no rule is for, or could not be a root', () => {
    for (const path of [
      'other.example/tool',
      'go.corp.example',
      'corp.example/tool',
      'go.corp.example/-rf',
      'go.corp.example/.git',
      'go.corp.example/../x',
      'go.corp.example//x',
      'go.corp.example/v2',
      'go.corp.example/v1',
      'go.corp.example/a b',
      'go.corp.example/"><script>',
      'go.corp.example/x/',
      'GO.corp.example/tool',
      'localhost/only',
      '',
    ])
      assert.equal(find(path), undefined, path)
  })

  test('a whole host may be one repository', () => {
    const found = createVanity([rule('mono.example', 'https://git.example/mono')])('mono.example/a/b')
    assert.equal(found?.root, 'mono.example')
  })

  test('a package and its root are told the same, whatever the rules', () => {
    const element = fc.stringMatching(/^(?:[ab]{1,2}|v[0-3]|\*|a\*|\?)$/)
    const pattern = fc
      .array(element, { maxLength: 3 })
      .map((elements) => ['go.example', ...elements].join('/'))
    const path = fc
      .array(fc.stringMatching(/^(?:[ab]{1,3}|v[0-3])$/), { maxLength: 5 })
      .map((elements) => ['go.example', ...elements].join('/'))
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, path) => {
        const find = createVanity(patterns.map((each, i) => rule(each, `https://git.example/${i}/{path}`)))
        const found = find(path)
        if (found === undefined) return
        assert.ok(path === found.root || path.startsWith(`${found.root}/`))
        assert.deepEqual(find(found.root), { ...found, path: found.root })
      }),
      { numRuns: 2000 },
    )
  })
})

test('links to sources', () => {
  const rows: [source: VanityRule['source'], repository: string, links: (string | undefined)[]][] = [
    ['none', 'https://git.example/x.git', ['https://git.example/x', undefined, undefined]],
    [
      'gitlab',
      'ssh://git@git.example:2222/g/x.git',
      [
        'https://git.example/g/x',
        'https://git.example/g/x/-/tree/HEAD/sub{/dir}',
        'https://git.example/g/x/-/blob/HEAD/sub{/dir}/{file}#L{line}',
      ],
    ],
    [
      'github',
      'https://github.example:8443/g/x',
      [
        'https://github.example:8443/g/x',
        'https://github.example:8443/g/x/tree/HEAD/sub{/dir}',
        'https://github.example:8443/g/x/blob/HEAD/sub{/dir}/{file}#L{line}',
      ],
    ],
    [
      'gitea',
      'http://gitea.example/g/x.git/',
      [
        'http://gitea.example/g/x',
        'http://gitea.example/g/x/src/branch/HEAD/sub{/dir}',
        'http://gitea.example/g/x/src/branch/HEAD/sub{/dir}/{file}#L{line}',
      ],
    ],
    [
      {
        home: 'https://s.example/{1}',
        directory: 'https://s.example/{path}{/dir}',
        file: 'https://s.example/{path}{/dir}/{file}#{line}',
      },
      'https://git.example/x',
      ['https://s.example/a', 'https://s.example/a{/dir}', 'https://s.example/a{/dir}/{file}#{line}'],
    ],
  ]
  for (const [source, repository, links] of rows) {
    const find = createVanity([rule('go.example/*', repository, { source, subdirectory: 'sub' })])
    const found = find('go.example/a/b')
    assert.deepEqual([found?.home, found?.source?.directory, found?.source?.file], links)
  }
})
