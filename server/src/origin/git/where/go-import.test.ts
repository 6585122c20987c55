import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { matchGoImport, parseGoImports, type GoImport } from './go-import.ts'

function tag(prefix: string, vcs: string, root: string, subdirectory = ''): GoImport {
  return { prefix, vcs, root, subdirectory }
}

const BAR = tag('foo/bar', 'git', 'https://github.com/rsc/foo/bar')
const META = '<meta name="go-import" content="foo/bar git https://github.com/rsc/foo/bar">'

test('tags of pages', () => {
  const table: [page: string, tags: GoImport[]][] = [
    [META, [BAR]],
    [
      `${META}\n<meta name="go-import" content="baz/quux git http://github.com/rsc/baz/quux">`,
      [BAR, tag('baz/quux', 'git', 'http://github.com/rsc/baz/quux')],
    ],
    [
      `${META}<meta name="go-import" content="foo/bar mod http://github.com/rsc/baz/quux">`,
      [tag('foo/bar', 'mod', 'http://github.com/rsc/baz/quux')],
    ],
    [
      `<meta name="go-import" content="foo/bar mod http://github.com/rsc/baz/quux">${META}`,
      [tag('foo/bar', 'mod', 'http://github.com/rsc/baz/quux')],
    ],
    [`<head>\n${META}\n</head>`, [BAR]],
    [`<head></head>${META}`, []],
    [`${META}\n<body>`, [BAR]],
    [`<body>${META}`, []],
    [`<BODY class=x>${META}`, []],
    [`<!doctype html>${META}`, [BAR]],
    [
      '<!doctype html><title>Page Not Found</title><meta name=go-import content="chitin.io/chitin git https://github.com/chitin-io/chitin"><div style=position:relative>DRAFT</div>',
      [tag('chitin.io/chitin', 'git', 'https://github.com/chitin-io/chitin')],
    ],
    [
      '<meta name="go-import" content="myitcv.io git https://github.com/myitcv/x"><meta name="go-import" content="myitcv.io/blah2 mod https://raw.githubusercontent.com/myitcv/pubx/master">',
      [
        tag('myitcv.io/blah2', 'mod', 'https://raw.githubusercontent.com/myitcv/pubx/master'),
        tag('myitcv.io', 'git', 'https://github.com/myitcv/x'),
      ],
    ],
    [
      '<meta name="go-import" content="a git https://b subdir/path">',
      [tag('a', 'git', 'https://b', 'subdir/path')],
    ],
    ['<meta name="go-import" content="a git https://b c d">', []],
    ['<meta name="go-import" content="a git">', []],
    ['<meta name="go-import">', []],
    ['<meta name="Go-Import" content="a git https://b">', []],
    ['<META NAME="go-import" CONTENT="a git https://b" />', [tag('a', 'git', 'https://b')]],
    ["<meta content='a git https://b' name='go-import'/>", [tag('a', 'git', 'https://b')]],
    ['<meta name="go-import" name="x" content="a git https://b">', [tag('a', 'git', 'https://b')]],
    [
      '<meta name="go-import" content="a\n\t git&#10;https://b?x&amp;y&nope;">',
      [tag('a', 'git', 'https://b?x&y&nope;')],
    ],
    ['<meta async name="go-import" content="a git https://b">', [tag('a', 'git', 'https://b')]],
    [`<!-- ${META} -->`, []],
    [`<!-- <body> -->${META}`, [BAR]],
    [`<!DOCTYPE html [ <!ENTITY x ">"> ]>${META}`, [BAR]],
    [`<![CDATA[ <body> ]]>${META}`, [BAR]],
    [`<?xml version="1.0" encoding="UTF-8"?>${META}`, [BAR]],
    [`<?xml version="1.0" encoding="windows-1251"?>${META}`, []],
    [`<script>if (a < b) {}</script>${META}`, []],
    [`${META}<script>if (a < b) {}</script>`, [BAR]],
    [`${META}<meta name="go-import`, [BAR]],
    ['', []],
    ['<', []],
    ['<meta name="go-import" content="a git https://b"', []],
  ]
  for (const [page, tags] of table) assert.deepEqual(parseGoImports(page), tags, page)
})

test('any text is a page', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '!',
    '--',
    '?',
    '/',
    'meta ',
    'head',
    'name=',
    'go-import',
    ' ',
    '&#10;',
    '[',
    'é',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      assert.ok(Array.isArray(parseGoImports(pieces.join(''))))
    }),
    { numRuns: 500 },
  )
})

test('the tag for a path', () => {
  const foo = tag('example.com/user/foo', 'git', 'https://example.com/repo/target')
  const fooa = { ...foo, prefix: 'example.com/user/fooa' }
  const inner = { ...foo, prefix: 'example.com/user/foo/bar' }
  const mod = tag('myitcv.io/blah2', 'mod', 'https://raw.example/master')
  const git = tag('myitcv.io', 'git', 'https://github.com/myitcv/x')
  const table: [imports: GoImport[], path: string, chosen: GoImport | 'several' | undefined][] = [
    [[foo], 'example.com/user/foo', foo],
    [[foo, fooa], 'example.com/user/foo', foo],
    [[foo, fooa], 'example.com/user/fooa', fooa],
    [[foo, inner], 'example.com/user/foo/bar', 'several'],
    [[foo, inner], 'example.com/user/foo/bar/baz', 'several'],
    [[foo, inner], 'example.com', undefined],
    [[foo], 'different.example.com/user/foo', undefined],
    [[foo], 'example.com/user/foobar', undefined],
    [[mod, git], 'myitcv.io/blah2/foo', mod],
    [[mod, git], 'myitcv.io/other', git],
    [[mod, mod], 'myitcv.io/blah2', 'several'],
    [[{ ...foo, subdirectory: 'a' }, foo], 'example.com/user/foo', 'several'],
    [[{ ...foo, prefix: 'example.com/' }], 'example.com/user', undefined],
    [[], 'example.com', undefined],
  ]
  for (const [imports, path, chosen] of table) assert.deepEqual(matchGoImport(imports, path), chosen, path)
})
