import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { GOOD, userPlace } from './user.fixture.ts'

/** A terminal where somebody types these keys. */
function typing(keys: string): PassThrough {
  const terminal = new PassThrough()
  terminal.write(keys)
  return terminal
}

test('a password is typed twice, and is not shown', async (t) => {
  const { run, read } = await userPlace(t)
  const ran = await run(['set', 'alice'], { stdin: typing(`${GOOD}\r${GOOD}x\u{7f}\r`) })
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(ran.stderr, /^Password of alice: \nThe same again: \n/)
  assert.ok(!`${ran.stdout}${ran.stderr}`.includes('correct'))
  assert.match(await read(), /^alice:\$argon2id/)
})

test('two that differ, and somebody who gives up, change nothing', async (t) => {
  const { run, read } = await userPlace(t, '# nobody\n')
  for (const [keys, message] of [
    [`${GOOD}\r${GOOD}x\r`, /the two passwords differ: nothing was changed/],
    [`${GOOD}\u{3}`, /no password was typed: nothing was changed/],
    ['\u{4}', /no password was typed/],
  ] as const) {
    const ran = await run(['set', 'alice'], { stdin: typing(keys) })
    assert.equal(ran.code, 2)
    assert.match(ran.stderr, message)
    assert.ok(!ran.stderr.includes('correct'))
  }
  assert.equal(await read(), '# nobody\n')
})
