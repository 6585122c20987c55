import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { toldByPath } from './static-hosts.ts'

/** Root and repository; `none` for paths that no repository can have, `ask` for those that only the host can tell. */
const TABLE: [path: string, answer: string | [root: string, written: string, vcs?: string]][] = [
  ['github.com/golang/groupcache', ['github.com/golang/groupcache', 'https://github.com/golang/groupcache']],
  [
    'github.com/golang/groupcache/lru/v2',
    ['github.com/golang/groupcache', 'https://github.com/golang/groupcache'],
  ],
  ['github.com/Azure/go_x.y-z', ['github.com/Azure/go_x.y-z', 'https://github.com/Azure/go_x.y-z']],
  ['github.com', 'none'],
  ['github.com/golang', 'none'],
  ['github.com/user/unicode/испытание', 'none'],
  ['github.com/golang/go.git', 'none'],
  ['github.com/golang/go.hg/x', 'none'],
  ['githubb.com/golang/go', 'ask'],
  [
    'bitbucket.org/workspace/pkgname',
    ['bitbucket.org/workspace/pkgname', 'https://bitbucket.org/workspace/pkgname'],
  ],
  ['bitbucket.org/workspace/pkgname.git', 'none'],
  [
    'hub.jazz.net/git/user1/pkgname',
    ['hub.jazz.net/git/user1/pkgname', 'https://hub.jazz.net/git/user1/pkgname'],
  ],
  [
    'hub.jazz.net/git/user1/pkgname/submodule/submodule/submodule',
    ['hub.jazz.net/git/user1/pkgname', 'https://hub.jazz.net/git/user1/pkgname'],
  ],
  ['hub.jazz.net', 'ask'],
  ['hubajazz.net', 'ask'],
  ['hub.jazz.net/someotherprefix/user1/pkgname', 'ask'],
  ['hub.jazz.net/git/User 1/pkgname', 'none'],
  ['hub.jazz.net/git/user.1/pkgname', 'none'],
  ['hub.jazz.net/git/USER/pkgname', 'none'],
  [
    'hub.jazz.net/git/user/pkg.name',
    ['hub.jazz.net/git/user/pkg.name', 'https://hub.jazz.net/git/user/pkg.name'],
  ],
  [
    'git.openstack.org/openstack/swift',
    ['git.openstack.org/openstack/swift', 'https://git.openstack.org/openstack/swift'],
  ],
  [
    'git.openstack.org/openstack/swift.git',
    ['git.openstack.org/openstack/swift.git', 'https://git.openstack.org/openstack/swift.git'],
  ],
  [
    'git.openstack.org/openstack/swift/go/hummingbird',
    ['git.openstack.org/openstack/swift', 'https://git.openstack.org/openstack/swift'],
  ],
  ['git.openstack.org', 'none'],
  ['git.openstack.org/openstack', 'none'],
  ['git.apache.org/package name/path/to/lib', 'none'],
  ['git.apache.org/package-name/path/to/lib', 'none'],
  [
    'git.apache.org/package-name.git',
    ['git.apache.org/package-name.git', 'https://git.apache.org/package-name.git'],
  ],
  [
    'git.apache.org/package-name_2.x.git/path/to/lib',
    ['git.apache.org/package-name_2.x.git', 'https://git.apache.org/package-name_2.x.git'],
  ],
  [
    'chiselapp.com/user/kyle/repository/fossilgg',
    [
      'chiselapp.com/user/kyle/repository/fossilgg',
      'https://chiselapp.com/user/kyle/repository/fossilgg',
      'fossil',
    ],
  ],
  ['chiselapp.com/kyle/repository/fossilgg', 'none'],
  ['chiselapp.com/user/kyle/repository/fossilgg/x', 'none'],
  [
    'git.corp.example/team/tool.git',
    ['git.corp.example/team/tool.git', 'https://git.corp.example/team/tool'],
  ],
  [
    'git.corp.example/tool.git/cmd/x.git/v2',
    ['git.corp.example/tool.git/cmd/x.git', 'https://git.corp.example/tool.git/cmd/x'],
  ],
  ['git.corp.example/~me/tool.git', ['git.corp.example/~me/tool.git', 'https://git.corp.example/~me/tool']],
  ['git.corp.example/a/tool.hg/x', ['git.corp.example/a/tool.hg', 'https://git.corp.example/a/tool', 'hg']],
  ['git.corp.example/a/tool.svn', ['git.corp.example/a/tool.svn', 'https://git.corp.example/a/tool', 'svn']],
  ['git.corp.example/a~1/tool.git', 'ask'],
  ['git.corp.example/~.git', 'ask'],
  ['corp.git/tool', 'ask'],
  ['git.corp.example', 'ask'],
  ['gopkg.in/yaml.v3', 'ask'],
  ['gitlab.com/group/sub/tool', 'ask'],
]

test('what a path tells by itself', () => {
  for (const [path, expected] of TABLE) {
    const told = toldByPath(path)
    if (typeof expected === 'string')
      assert.equal(told === undefined ? 'ask' : 'absent' in told ? 'none' : told.root, expected, path)
    else {
      assert.ok(told !== undefined && 'root' in told, path)
      const [root, written, vcs = 'git'] = expected
      assert.deepEqual([told.root, told.written, told.vcs], [root, written, vcs], path)
    }
  }
})

test('a repository with a suffix is asked for with it, by any scheme', () => {
  const told = toldByPath('git.corp.example/team/tool.git/v2')
  assert.ok(told !== undefined && 'root' in told)
  assert.deepEqual([told.repository, told.anyScheme], ['git.corp.example/team/tool.git', true])
})

/** The general rule of cmd/go as one expression, which is right for short paths and slow for hostile ones. */
const GENERAL =
  /(?<root>(?<repo>([a-z0-9.-]+\.)+[a-z0-9.-]+(:[0-9]+)?(\/~?[\w.-]+)+?)\.(?<vcs>bzr|fossil|git|hg|svn))(\/~?[\w.-]+)*$/

test('the rule for suffixes is that of go', () => {
  const name = fc
    .stringMatching(/^[a~]{0,2}(?:\.git|\.hg|\.|b){0,3}$/)
    .filter((text) => /^[^.].*[^.]$/.test(text))
  fc.assert(
    fc.property(fc.array(name, { maxLength: 4 }), (names) => {
      const path = ['x.example', ...names].join('/')
      const match = GENERAL.exec(path)
      // It is not tied to the beginning of the path; what it finds elsewhere is no root of the path.
      const groups = match?.index === 0 ? match.groups : undefined
      const told = toldByPath(path)
      assert.deepEqual(
        told && 'root' in told ? [told.root, told.written, told.vcs] : undefined,
        groups && [groups['root'], `https://${groups['repo']}`, groups['vcs']],
      )
    }),
    { numRuns: 1000 },
  )
})

test('a path made to be slow is not', () => {
  const path = `${'a.'.repeat(500)}a/${'a.git.'.repeat(100)}~/~`
  assert.equal(toldByPath(path), undefined)
})
