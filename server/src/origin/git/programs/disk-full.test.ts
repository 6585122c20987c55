import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../../../errors.ts'
import { diskFailure } from './disk-full.ts'

test('a full disk is told apart from what else git says, and from what the other side says', () => {
  const table: [said: string, reason: string | undefined][] = [
    ['fatal: write error: No space left on device\n', 'its disk is full'],
    ['Receiving objects: 5% (1/20)\rfatal: write error: No space left on device', 'its disk is full'],
    ["fatal: sha1 file '/x/tmp_pack_a' write error. Out of diskspace", 'its disk is full'],
    ['error: file write error: No space left on device\nfatal: failed to write object', 'its disk is full'],
    [
      'fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output',
      'its disk is full',
    ],
    ['fatal: write error: Disk quota exceeded', 'its disk quota is used up'],
    ['fatal: bad object', undefined],
    ['remote: fatal: write error: No space left on device', undefined],
    ['fatal: remote error: No space left on device', undefined],
    ['', undefined],
  ]
  for (const [said, reason] of table) {
    const failure = diskFailure(said, 'keep it')
    assert.equal(failure?.message, reason && `modstead could not keep it: ${reason}`, said)
    if (failure !== undefined)
      assert.ok(failure instanceof ModsteadError && failure.code === 'store_unavailable')
  }
})
