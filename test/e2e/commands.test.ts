// The commands of `go` give through modstead what they give with the upstream itself, word for word.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { GoHome } from '../support/go.ts'
import { createModuleTree, type ModuleTree } from '../support/module-tree.ts'
import { setStage } from '../support/stage.ts'
import { makeModule, putModule } from '../support/test-module.ts'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'
const ON_MAIN = 'v1.1.1-0.20240102030405-0123456789ab'

function exampleTree(): ModuleTree {
  const tree = createModuleTree()
  const a = (version: string, goMod = 'module example.com/a\n\ngo 1.21\n') =>
    putModule(tree, makeModule({ module: 'example.com/a', version, goMod }))
  a('v1.0.0')
  a('v1.0.1')
  a('v1.1.0')
  a('v1.2.0-rc.1')
  a('v1.1.9', 'module example.com/a\n\ngo 1.21\n\nretract v1.0.1 // broken on Tuesdays\n')
  a(ON_MAIN)
  for (const query of ['main', COMMIT, COMMIT.slice(0, 12), COMMIT.slice(0, 7)])
    tree.alias('example.com/a', query, ON_MAIN)
  putModule(tree, makeModule({ module: 'example.com/a/v2', version: 'v2.0.0' }))
  putModule(tree, makeModule({ module: 'example.com/Up/B', version: 'v0.1.0-Pre.1' }))
  putModule(tree, makeModule({ module: 'example.com/old', version: 'v3.0.0+incompatible' }))
  const untagged = 'v0.0.0-20230102030405-abcdefabcdef'
  putModule(tree, makeModule({ module: 'example.com/untagged', version: untagged }))
  const goMod = 'module example.com/uses\n\ngo 1.21\n\nrequire example.com/a v1.0.0\n'
  const source = 'package lib\n\nimport _ "example.com/a"\n'
  putModule(
    tree,
    makeModule({ module: 'example.com/uses', version: 'v1.0.0', goMod, files: { 'lib.go': source } }),
  )
  return tree
}

const QUERIES = [
  'latest',
  'upgrade',
  'v1',
  'v1.0',
  'v1.1.0',
  '<v1.1.0',
  '>=v1.1.0',
  '>v1.1.9',
  'v1.2.0-rc.1',
  'main',
  COMMIT,
  COMMIT.slice(0, 12),
  COMMIT.slice(0, 7),
  ON_MAIN,
  'nothing',
  'v9.9.9',
  'feature/x',
  '1.0.0',
].map((query) => ['list', '-m', '-json', `example.com/a@${query}`])

const MODULES = [
  ['list', '-m', '-versions', 'example.com/a'],
  ['list', '-m', '-versions', '-retracted', 'example.com/a'],
  ['list', '-m', '-versions', 'example.com/a/v2', 'example.com/Up/B', 'example.com/old'],
  ['list', '-m', '-json', 'example.com/untagged@latest'],
  ['list', '-m', '-json', 'example.com/Up/B@latest'],
  ['list', '-m', '-json', 'example.com/old@v3'],
  ['list', '-m', 'example.com/missing@latest'],
  ['list', '-m', '-versions', 'example.com/a/sub/package'],
]

test('list and query answers are those of the upstream', async (t) => {
  const stage = await setStage(t, { tree: exampleTree() })
  const direct = await stage.go({ proxy: stage.upstream.url, sumdb: stage.sumdb.gosumdb(stage.database.url) })
  const through = await stage.go()
  for (const args of [...QUERIES, ...MODULES])
    await t.test(args.join(' '), async () => {
      const wanted = await said(direct, args, stage.upstream.url)
      assert.deepEqual(await said(through, args, stage.modstead.url), wanted)
    })
})

test('commands that change a go.mod give the same go.mod and go.sum', async (t) => {
  const stage = await setStage(t, { tree: exampleTree() })
  const direct = await stage.go({ proxy: stage.upstream.url, sumdb: stage.sumdb.gosumdb(stage.database.url) })
  const through = await stage.go()
  const main = 'package main\n\nimport _ "example.com/uses"\n\nfunc main() {}\n'
  const steps = [
    ['get', 'example.com/uses@latest'],
    ['mod', 'why', '-m', 'example.com/a'],
    ['list', '-m', '-u', 'all'],
    ['get', 'example.com/a@main'],
    ['get', 'example.com/a@v1.0'],
    ['get', `example.com/a@${COMMIT.slice(0, 7)}`],
    ['get', 'example.com/a@v1'],
    ['get', '-u', './...'],
    ['get', 'example.com/a@none'],
    ['get', 'example.com/missing/deep/path@latest'],
    ['mod', 'tidy'],
    ['mod', 'graph'],
    ['mod', 'verify'],
    ['build', '-o', '/dev/null', '.'],
  ]
  const projects = await Promise.all([direct, through].map((go) => go.project({ 'main.go': main })))
  for (const args of steps)
    await t.test(args.join(' '), async () => {
      const [wanted, got] = await Promise.all([
        said(direct, args, stage.upstream.url, projects[0]),
        said(through, args, stage.modstead.url, projects[1]),
      ])
      assert.deepEqual(got, wanted)
      for (const name of ['go.mod', 'go.sum']) {
        const [direct, through] = await Promise.all(projects.map((folder) => contents(join(folder, name))))
        assert.equal(through, direct)
      }
    })
})

test('GOTOOLCHAIN switches to a toolchain that comes through modstead', async (t) => {
  const tree = createModuleTree()
  const version = `v0.0.1-go1.99.0.${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const files = {
    'bin/go': '#!/bin/sh\necho a toolchain from the proxy\n',
    'bin/gofmt': '',
    'pkg/tool/none': '',
    'lib/wasm/none': '',
    VERSION: 'go1.99.0\n',
  }
  const toolchain = makeModule({
    module: 'golang.org/toolchain',
    version,
    files,
    goMod: 'module golang.org/toolchain\n',
  })
  putModule(tree, toolchain)
  const stage = await setStage(t, { tree })
  const go = await stage.go()
  const said = await go.ok(['version'], { env: { GOTOOLCHAIN: 'go1.99.0' } })
  assert.equal(said.trim(), 'a toolchain from the proxy')
  assert.match(await go.ok(['list', '-m', '-versions', 'go']), /1\.99\.0/)
})

/** What a command says, without what must differ: the address of the proxy and the home's own folders. */
async function said(go: GoHome, args: readonly string[], url: string, cwd?: string) {
  const { code, stdout, stderr } = await go.run(args, cwd === undefined ? {} : { cwd })
  const clean = (text: string): string =>
    text
      .replaceAll(url, 'PROXY')
      .replaceAll(cwd ?? go.folder, 'PROJECT')
      .replaceAll(go.folder, 'HOME')
  // `go` shows the body of an error, which is ours to word.
  const reason = clean(stderr).replace(/^\s*(server response:|\d{3} [A-Z]).*$/gms, '')
  const downloads = reason.split('\n').filter((line) => !line.startsWith('go: downloading'))
  return {
    code,
    stdout: clean(stdout),
    stderr: downloads.join('\n').replace(/(404 Not Found|410 Gone)[^]*/, '404'),
  }
}

/** A file's text; nothing for one that is not there. */
async function contents(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
