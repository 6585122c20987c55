import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cloneKey } from './open.ts'
import { repositoryAt } from './test-remotes.ts'

test('finders of one URL share a clone only where they are shown the same, and may be led to the same hosts', () => {
  const keys = [true, false].flatMap((configured) =>
    [true, false].flatMap((trusted) =>
      [undefined, ['x.test'], ['x.test', 'y.test'], ['y.test', 'x.test']].map((hosts) =>
        cloneKey('gitlab', repositoryAt('https://x.test/y', { configured, trusted }), hosts),
      ),
    ),
  )
  assert.equal(new Set(keys).size, 12)
})
