import type { GitCommit } from './git-repositories.ts'

/** A repository that shows some rules of module versions, and the questions that show them. */
export interface CorpusRepository {
  /** `github.com/acme/NAME` is what its root is called. */
  name: string
  objectFormat?: 'sha256'
  commits: GitCommit[]
  /** Refs beside branches and tags: names by the number of their commit, from 0. */
  refs?: Record<string, number>
  /** Branch that HEAD leads to; default main. */
  head?: string
  /**
   * Paths below the root (`''` for the root itself), and what is asked of each beside its list and its latest. `%N` stands
   * for the hash of commit N, `%N:12` for its first twelve digits, `%N:T` for its time as pseudo-versions have it. Of
   * queries such as v1 or >v1.0.0 a repository hears nothing: `go` answers them from the list.
   */
  modules: Record<string, string[]>
}

const mod = (path: string, rest = 'go 1.21'): string => `module github.com/acme/${path}\n\n${rest}\n`
const A = 'package a\n'

/** Every rule of cmd/go/internal/modfetch about versions, go.mod files and zips, at least once. */
export const CORPUS: CorpusRepository[] = [
  {
    name: 'plain',
    commits: [
      { files: { 'go.mod': mod('plain'), 'a.go': A }, tags: ['v0.1.0'] },
      { files: { 'a.go': `${A}// 1\n` } },
      { files: { 'a.go': `${A}// 2\n`, LICENSE: 'Free\n' }, annotatedTags: ['v1.0.0'] },
      { files: { 'a.go': `${A}// 3\n` }, tags: ['v1.1.0-pre', 'not-a-version', 'v1.1'] },
      { files: { 'a.go': `${A}// 4\n` }, tags: ['v1.1.0+meta', 'release'] },
      { files: { 'a.go': `${A}// 5\n` } },
      { branch: 'feature', from: 'main', files: { 'b.go': A } },
    ],
    modules: {
      '': [
        'v0.1.0',
        'v1.0.0',
        'v1.1.0-pre',
        'v1.1.0',
        'v9.9.9',
        'main',
        'feature',
        'release',
        'not-a-version',
        'v1.1.0+meta',
        '%1',
        '%1:12',
        '%2:12',
        '%3:7',
        '%5',
        'ffffffffffff',
        'HEAD',
        'nowhere',
        'v0.1.1-0.%1:T-%1:12',
        'v0.0.0-%1:T-%1:12',
        'v1.0.0-%1:T-%1:12',
        'v0.1.1-0.20200101000000-%1:12',
        'v0.1.1-0.%1:T-%1:11',
        'v0.1.1-0.%1:T-%1:13',
        'v0.2.1-0.%1:T-%1:12',
        'v1.0.1-0.%1:T-%1:12',
        'v1.0.1-0.%2:T-%2:12',
        'v1.1.1-0.%5:T-%5:12',
        'v1.0.1-0.%3:T-%3:12',
        'v0.0.0-%5:T-%5:12',
      ],
      sub: ['v1.0.0', 'main'],
      v2: ['v2.0.0', 'main'],
    },
  },
  {
    name: 'untagged',
    commits: [{ files: { 'go.mod': mod('untagged'), 'a.go': A } }, { files: { 'a.go': `${A}//\n` } }],
    modules: {
      '': ['main', '%0', 'v0.0.0-%0:T-%0:12', 'v1.0.0-%0:T-%0:12', 'v1.0.0', 'v0.0.1-0.%0:T-%0:12'],
    },
  },
  { name: 'empty', commits: [], modules: { '': ['main', 'v1.0.0'] } },
  {
    name: 'nomod',
    commits: [
      { files: { 'a.go': A, 'x y.go': A }, tags: ['v1.0.0', 'v1.2.0'] },
      { files: { 'a.go': `${A}//\n` }, tags: ['v2.0.0', 'v2.1.0'] },
      { files: { 'a.go': `${A}// 3\n` }, tags: ['v3.0.0'] },
      { files: { 'go.mod': mod('nomod/v3') }, tags: ['v3.1.0'] },
      { files: {}, branch: 'old', from: 'main' },
    ],
    modules: {
      '': [
        'v1.0.0',
        'v1.2.0',
        'v2.0.0',
        'v2.0.0+incompatible',
        'v2.1.0+incompatible',
        'v3.0.0+incompatible',
        'v3.1.0+incompatible',
        'v3.1.0',
        'v1.0.0+incompatible',
        'main',
        '%1',
        '%2',
        '%3',
        'v4.0.0+incompatible',
        'v2.1.1-0.%2:T-%2:12+incompatible',
      ],
      v2: ['v2.0.0', 'main', 'v2.1.0'],
      v3: ['v3.0.0', 'v3.1.0', 'main', '%3'],
    },
  },
  {
    name: 'incompatible-mod',
    commits: [
      { files: { 'a.go': A, 'go.mod': mod('incompatible-mod') }, tags: ['v1.0.0'] },
      { files: { 'a.go': `${A}//\n` }, tags: ['v2.0.0'] },
      { files: { 'go.mod': undefined }, tags: ['v3.0.0'] },
    ],
    modules: {
      '': ['v2.0.0', 'v2.0.0+incompatible', 'v3.0.0+incompatible', 'main', '%1', '%2'],
      v2: ['v2.0.0'],
    },
  },
  {
    name: 'incompatible-sub',
    commits: [
      { files: { 'a.go': A }, tags: ['v1.0.0'] },
      {
        files: { 'a.go': `${A}//\n`, 'v2/go.mod': mod('incompatible-sub/v2'), 'v2/a.go': A },
        tags: ['v2.0.0'],
      },
    ],
    modules: {
      '': ['v1.0.0', 'v2.0.0', 'v2.0.0+incompatible', 'main', '%1'],
      v2: ['v2.0.0', 'main', '%1'],
    },
  },
  {
    name: 'majors',
    commits: [
      { files: { 'go.mod': mod('majors'), 'a.go': A }, tags: ['v1.0.0'] },
      { files: { 'go.mod': mod('majors/v2'), 'a.go': `${A}// 2\n` }, tags: ['v2.0.0'] },
      { files: { 'a.go': `${A}// 2.0.1\n` } },
      { branch: 'v3', from: 'main', files: { 'go.mod': mod('majors/v3') }, tags: ['v3.0.0-rc.1'] },
      { branch: 'v3', files: { 'a.go': `${A}// 3\n` } },
      { files: { 'go.mod': mod('majors'), 'a.go': `${A}// back\n` } },
    ],
    modules: {
      '': ['v1.0.0', 'v2.0.0', 'v2.0.0+incompatible', 'main', '%2', '%5'],
      v2: ['v2.0.0', '%2', '%2:12', 'v2.0.1-0.%2:T-%2:12', 'v2.0.0-%2:T-%2:12', 'main', 'v1.0.0'],
      v3: ['v3.0.0-rc.1', '%4', 'main'],
    },
  },
  {
    name: 'major-folders',
    commits: [
      {
        files: {
          'go.mod': mod('major-folders'),
          'a.go': A,
          LICENSE: 'L1\n',
          'v2/go.mod': mod('major-folders/v2'),
          'v2/a.go': A,
        },
        tags: ['v1.0.0', 'v2.0.0'],
      },
      { files: { 'v2/go.mod': mod('other') }, tags: ['v2.1.0'] },
      {
        files: { 'v2/go.mod': mod('major-folders/v2'), 'go.mod': mod('major-folders/v2') },
        tags: ['v2.2.0'],
      },
      { files: { 'v2/go.mod': 'nothing\n', 'go.mod': mod('major-folders') }, tags: ['v2.3.0'] },
    ],
    modules: { '': ['v1.0.0', 'v2.0.0', 'main'], v2: ['v2.0.0', 'v2.1.0', 'v2.2.0', 'v2.3.0', 'main'] },
  },
  {
    name: 'nested',
    commits: [
      {
        files: {
          'go.mod': mod('nested'),
          'a.go': A,
          LICENSE: 'root licence\n',
          'sub/x.go': A,
          'tool/go.mod': mod('nested/tool'),
          'tool/main.go': 'package main\n',
          'lib/go.mod': mod('nested/lib'),
          'lib/a.go': A,
          'lib/LICENSE': 'its own\n',
          'lib/deep/go.mod': mod('nested/lib/deep'),
          'lib/deep/d.go': A,
          'case/GO.MOD': mod('nested/case'),
          'case/a.go': A,
        },
        tags: ['v1.0.0', 'tool/v0.1.0', 'lib/v1.0.0', 'lib/deep/v0.0.1', 'lib/v1', 'tool/nonsense'],
      },
      { files: { 'tool/v2/go.mod': mod('nested/tool/v2'), 'tool/v2/m.go': A }, tags: ['tool/v2.0.0'] },
      { files: { 'tool/main.go': 'package main\n\nfunc main() {}\n' }, tags: ['tool/v0.1.1', 'v1.0.1'] },
      { files: { 'lib/a.go': `${A}//\n` } },
    ],
    modules: {
      '': ['v1.0.0', 'v1.0.1', 'main'],
      tool: ['v0.1.0', 'v0.1.1', 'main', '%1', 'v1.0.0', 'v0.1.1-0.%1:T-%1:12', 'tool/v0.1.0', 'nonsense'],
      'tool/v2': ['v2.0.0', 'main', '%3'],
      lib: ['v1.0.0', 'main', 'v1.0.1-0.%3:T-%3:12'],
      'lib/deep': ['v0.0.1', 'main'],
      sub: ['v1.0.0', 'main'],
      case: ['v1.0.0'],
      'lib/v2': ['v2.0.0', 'main'],
    },
  },
  {
    // A tag of the root that reads like the tag before it of the module below: go refuses the version it gives itself.
    name: 'namesake',
    commits: [
      {
        files: { 'go.mod': mod('namesake'), 'sub/go.mod': mod('namesake/sub'), 'sub/a.go': A },
        tags: ['sub/v1.0.0'],
      },
      { files: { 'sub/a.go': `${A}//\n` }, tags: ['v1.0.0'] },
    ],
    modules: { '': ['v1.0.0', '%1'], sub: ['v1.0.0', '%0', '%1', 'main', 'v1.0.1-0.%1:T-%1:12'] },
  },
  {
    name: 'retracted',
    commits: [
      { files: { 'go.mod': mod('retracted'), 'a.go': A }, tags: ['v1.0.0'] },
      { files: { 'a.go': `${A}// 1\n` }, tags: ['v1.1.0'] },
      { files: { 'a.go': `${A}// 2\n` } },
      {
        files: { 'go.mod': mod('retracted', 'retract (\n\tv1.1.0 // broken\n\t[v1.3.0, v1.4.0]\n)') },
        tags: ['v1.2.0'],
      },
      { files: { 'a.go': `${A}// 3\n` }, tags: ['v1.3.0-pre'] },
    ],
    modules: { '': ['v1.1.0', '%1', '%2', 'main', 'v1.1.1-0.%2:T-%2:12', 'v1.0.1-0.%2:T-%2:12'] },
  },
  {
    name: 'attributes',
    commits: [
      {
        files: {
          'go.mod': mod('attributes'),
          'a.go': A,
          'crlf.txt': 'one\ntwo\n',
          'lf.txt': 'one\r\ntwo\r\n',
          'auto.txt': 'a\nb\n',
          'id.txt': '$Id$\n',
          'subst.txt': '$Format:%H$\n',
          'ignored.txt': 'still here\n',
          'utf16.txt': 'text\n',
          'lfs.bin': 'version https://git-lfs.github.com/spec/v1\n',
          'big.bin': '\0\n\r\n',
          '.gitattributes': [
            'crlf.txt text eol=crlf',
            'lf.txt -text',
            'auto.txt text=auto',
            'id.txt ident',
            'subst.txt export-subst',
            'ignored.txt export-ignore',
            'utf16.txt text working-tree-encoding=UTF-16LE',
            'lfs.bin filter=lfs diff=lfs merge=lfs -text',
            'sub/** eol=crlf',
            '',
          ].join('\n'),
          'sub/go.mod': mod('attributes/sub'),
          'sub/x.txt': 'x\ny\n',
          'sub/.gitattributes': 'y.txt eol=lf\n',
          'sub/y.txt': 'x\ny\n',
        },
        tags: ['v1.0.0', 'sub/v1.0.0'],
      },
    ],
    modules: { '': ['v1.0.0'], sub: ['v1.0.0'] },
  },
  {
    name: 'vendored',
    commits: [
      {
        files: {
          'go.mod': mod('vendored', 'go 1.21'),
          'a.go': A,
          'vendor/modules.txt': '# m\n',
          'vendor/x.go': A,
          'vendor/example.com/v/v.go': A,
          'p/vendor/w.go': A,
          'p/vendor/example.com/u/u.go': A,
          'old/go.mod': mod('vendored/old', ''),
          'old/vendor/modules.txt': '#\n',
          'old/q/vendor/a.go': A,
        },
        tags: ['v1.0.0', 'old/v1.0.0'],
      },
      { files: { 'go.mod': mod('vendored', 'go 1.24') }, tags: ['v1.1.0'] },
      { files: { 'go.mod': mod('vendored', 'go 1.26.0') }, tags: ['v1.2.0'] },
    ],
    modules: { '': ['v1.0.0', 'v1.1.0', 'v1.2.0'], old: ['v1.0.0'] },
  },
  {
    name: 'links',
    commits: [
      {
        files: {
          'go.mod': mod('links'),
          'a.go': A,
          COPYING: 'copy\n',
          LICENSE: {
            contents: 'COPYING',
            mode: '120000',
          },
          link: {
            contents: 'a.go',
            mode: '120000',
          },
          loop: {
            contents: 'loop',
            mode: '120000',
          },
          run: {
            contents: '#!/bin/sh\n',
            mode: '100755',
          },
          module: {
            contents: '1'.repeat(40),
            mode: '160000',
          },
          'sub/go.mod': mod('links/sub'),
          'sub/a.go': A,
          'own/LICENSE': {
            contents: '../COPYING',
            mode: '120000',
          },
          'own/go.mod': mod('links/own'),
          'own/a.go': A,
          'linked/go.mod': {
            contents: '../go.mod',
            mode: '120000',
          },
          'linked/a.go': A,
        },
        tags: ['v1.0.0', 'sub/v1.0.0', 'own/v1.0.0', 'linked/v1.0.0'],
      },
    ],
    modules: { '': ['v1.0.0'], sub: ['v1.0.0'], own: ['v1.0.0'], linked: ['v1.0.0', 'main'] },
  },
  {
    name: 'names',
    commits: [
      {
        files: {
          'go.mod': mod('names'),
          'a.go': A,
          'Über mich.txt': 'x',
          'a+b=c,[d]{e}~f.txt': 'x',
          'x..y': 'x',
          [`${'long/'.repeat(24)}${'n'.repeat(120)}.txt`]: 'x',
          '日本/語.go': A,
        },
        tags: ['v1.0.0'],
      },
      { files: { 'a:b': 'x' }, tags: ['v1.1.0'] },
      { files: { 'a:b': undefined, 'A.go': A }, tags: ['v1.2.0'] },
      { files: { 'A.go': undefined, 'con.txt': 'x' }, tags: ['v1.3.0'] },
      { files: { 'con.txt': undefined, 'dot.': 'x' }, tags: ['v1.4.0'] },
      { files: { 'dot.': undefined, 'x/Go.Mod': 'module x\n', 'x/a.go': A }, tags: ['v1.5.0'] },
      { files: { 'vendor/x/a:b': 'x' }, tags: ['v1.6.0'] },
      { files: { 'L/x': { contents: 'y', mode: '120000' }, 'l/x': A }, tags: ['v1.7.0'] },
      { files: { 'L/x': undefined, 'l/x': undefined, 'Go.mod': 'x' }, tags: ['v1.8.0'] },
    ],
    modules: {
      '': ['v1.0.0', 'v1.1.0', 'v1.2.0', 'v1.3.0', 'v1.4.0', 'v1.5.0', 'v1.6.0', 'v1.7.0', 'v1.8.0'],
    },
  },
  {
    name: 'wrong-paths',
    commits: [
      { files: { 'go.mod': 'module example.com/fork\n', 'a.go': A }, tags: ['v1.0.0'] },
      { files: { 'go.mod': 'module example.com/fork/v2\n' }, tags: ['v1.1.0', 'v2.0.0'] },
      { files: { 'go.mod': 'module gopkg.in/fork.v2\n' }, tags: ['v1.2.0'] },
      { files: { 'go.mod': 'this is no go.mod\n' }, tags: ['v1.3.0'] },
      { files: { 'go.mod': 'module "github.com/acme/wrong-paths"\nbroken (\n' }, tags: ['v1.4.0'] },
      { files: { 'go.mod': '' }, tags: ['v1.5.0'] },
      { files: { 'go.mod': 'module example.com/bad/v0\n' }, tags: ['v1.6.0'] },
    ],
    modules: {
      '': ['v1.0.0', 'v1.1.0', 'v1.2.0', 'v1.3.0', 'v1.4.0', 'v1.5.0', 'v1.6.0', 'main'],
      v2: ['v2.0.0', 'v1.1.0'],
    },
  },
  {
    name: 'pseudo-tags',
    commits: [
      {
        files: { 'go.mod': mod('pseudo-tags'), 'a.go': A },
        tags: ['v0.0.0-20200101000000-000000000000', 'v1.0'],
      },
      {
        files: { 'a.go': `${A}//\n` },
        tags: ['v1.0.0-alpha.beta', 'v1.0.0-0.3.7', 'v01.0.0', 'V1.0.0', 'v1.0.0.0'],
      },
      { files: { 'a.go': `${A}// 2\n` } },
    ],
    modules: {
      '': [
        'v0.0.0-20200101000000-000000000000',
        'main',
        '%1',
        'v1.0.0-0.3.7',
        'v1.0.0-alpha.beta',
        'V1.0.0',
        'v1.0.0-alpha.beta.0.%2:T-%2:12',
        'v01.0.0',
      ],
    },
  },
  {
    name: 'branches',
    head: 'trunk',
    commits: [
      { branch: 'trunk', files: { 'go.mod': mod('branches'), 'a.go': A }, tags: ['v1.0.0'] },
      { branch: 'v1.5.0', from: 'trunk', files: { 'a.go': `${A}// named like a version\n` } },
      { branch: 'side', from: 'trunk', files: { 'a.go': `${A}// side\n` }, tags: ['v1.4.0'] },
      { branch: 'trunk', files: { 'a.go': `${A}// on\n` } },
      { branch: 'merged', from: 'trunk', merge: ['side'], files: { 'b.go': A } },
      { branch: 'abcdef1', from: 'trunk', files: { 'c.go': A } },
      { branch: 'gone', from: 'trunk', files: { 'd.go': A } },
      { branch: 'tagged', from: 'trunk', files: { 'e.go': A }, tags: ['trunk', 'side-tag'] },
    ],
    refs: { 'refs/pull/1/head': 6, 'refs/merge-requests/2/head': 6 },
    modules: {
      '': [
        'v1.5.0',
        'trunk',
        'side',
        'merged',
        'abcdef1',
        'v1.4.0',
        '%2',
        '%3',
        '%4',
        '%6',
        '%6:12',
        'side-tag',
        'v1.4.1-0.%4:T-%4:12',
        'v1.4.1-0.%3:T-%3:12',
        'v1.0.1-0.%3:T-%3:12',
      ],
    },
  },
  {
    name: 'sha256',
    objectFormat: 'sha256',
    commits: [
      { files: { 'go.mod': mod('sha256'), 'a.go': A }, tags: ['v1.0.0'] },
      { files: { 'a.go': `${A}//\n` }, annotatedTags: ['v1.1.0'] },
      { files: { 'a.go': `${A}// 2\n` } },
    ],
    modules: { '': ['v1.0.0', 'v1.1.0', 'main', '%1', '%2', '%2:12', 'v1.1.1-0.%2:T-%2:12'] },
  },
  {
    name: 'times',
    commits: [
      { files: { 'go.mod': mod('times'), 'a.go': A }, time: 1 },
      { files: { 'a.go': `${A}// 1\n` }, time: 2_000_000_000, tags: ['v0.1.0'] },
      { files: { 'a.go': `${A}// 2\n` }, time: 1_000_000_000 },
    ],
    modules: { '': ['main', '%0', 'v0.1.0', 'v0.0.0-19700101000001-%0:12', 'v0.1.1-0.%2:T-%2:12'] },
  },
]
