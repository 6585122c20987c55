import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modulePathOf } from './module-path.ts'

const TABLE: [text: string, path: string | undefined][] = [
  ['module "github.com/rsc/vgotest"', 'github.com/rsc/vgotest'],
  ['module github.com/rsc/vgotest', 'github.com/rsc/vgotest'],
  ['module  "github.com/rsc/vgotest"', 'github.com/rsc/vgotest'],
  ['module  github.com/rsc/vgotest', 'github.com/rsc/vgotest'],
  ['module `github.com/rsc/vgotest`', 'github.com/rsc/vgotest'],
  ['module "github.com/rsc/vgotest/v2"', 'github.com/rsc/vgotest/v2'],
  ['module github.com/rsc/vgotest/v2', 'github.com/rsc/vgotest/v2'],
  ['module "gopkg.in/yaml.v2"', 'gopkg.in/yaml.v2'],
  ['module gopkg.in/yaml.v2', 'gopkg.in/yaml.v2'],
  ['module "gopkg.in/check.v1"\n', 'gopkg.in/check.v1'],
  ['module "gopkg.in/check.v1\n"', undefined],
  ['module gopkg.in/check.v1\n', 'gopkg.in/check.v1'],
  ['module "gopkg.in/check.v1"\r\n', 'gopkg.in/check.v1'],
  ['module gopkg.in/check.v1\r\n', 'gopkg.in/check.v1'],
  ['module "gopkg.in/check.v1"\n\n', 'gopkg.in/check.v1'],
  ['module gopkg.in/check.v1\n\n', 'gopkg.in/check.v1'],
  ['module \n"gopkg.in/check.v1"\n\n', undefined],
  ['module \ngopkg.in/check.v1\n\n', undefined],
  ['module "gopkg.in/check.v1"asd', undefined],
  ['module  \nmodule a/b/c ', 'a/b/c'],
  ['module "   "', '   '],
  ['module   ', undefined],
  ['module "  a/b/c  "', '  a/b/c  '],
  ['module "github.com/rsc/vgotest1" // with a comment', 'github.com/rsc/vgotest1'],
  ['', undefined],
  ['// module a.b/c\n\n\tmodule\ta.b/c', 'a.b/c'],
  ['require (\n\tmodule v1.0.0\n)\nmodule x', 'v1.0.0'],
  ['modulex\nmodule x', 'x'],
  ['\u00a0module a.b/c', 'a.b/c'],
  ['module\u00a0a.b/c', 'a.b/c'],
  ['\ufeffmodule a.b/c', undefined],
  ['module ""\nmodule x', undefined],
]

for (const [text, path] of TABLE) {
  test(`${JSON.stringify(text)} declares ${path ?? 'nothing'}`, () => {
    assert.equal(modulePathOf(new TextEncoder().encode(text)), path)
    assert.equal(modulePathOf(Buffer.from(text)), path)
  })
}

test('a large file without a path is searched quickly', () => {
  const start = performance.now()
  assert.equal(modulePathOf(new TextEncoder().encode('\tmodule\n'.repeat(2 ** 20))), undefined)
  assert.equal(modulePathOf(new Uint8Array(2 ** 24)), undefined)
  assert.ok(performance.now() - start < 5000)
})
