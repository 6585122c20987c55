import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cloneKey } from './open.ts'
import { repositoryAt } from './test-remotes.ts'

test('finders of one URL share a clone only where they are shown the same', () => {
  const keys = [true, false].flatMap((configured) =>
    [true, false].map((trusted) =>
      cloneKey('gitlab', repositoryAt('https://x.test/y', { configured, trusted })),
    ),
  )
  assert.equal(new Set(keys).size, 4)
})
