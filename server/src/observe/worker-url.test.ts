import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workerUrl } from './worker-url.ts'

test('a worker is found beside its caller, in sources and in compiled code', () => {
  assert.equal(workerUrl('file:///a/b/c.ts', './worker.ts'), 'file:///a/b/worker.ts')
  assert.equal(workerUrl('file:///a/b/c.js', './worker.ts'), 'file:///a/b/worker.js')
  assert.equal(workerUrl('file:///a%20b/c.ts', '../worker.ts'), 'file:///worker.ts')
})
