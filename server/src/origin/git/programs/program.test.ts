import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { collect, failsWith } from '../../test-origin.ts'
import { endGroup, startProgram } from './program.ts'

const env = { PATH: process.env['PATH'] ?? '' }

test('a program gives its output, its status, and the end of what it said', async () => {
  const program = startProgram({
    command: 'sh',
    args: ['-c', 'cat; seq 10000 >&2; echo the reason >&2; exit 3'],
    env,
  })
  program.stdin.end('given')
  assert.equal((await collect(program.stdout)).toString(), 'given')
  assert.equal(await program.ended, 3)
  assert.match(program.said(), /the reason\n$/)
  assert.ok(program.said().length < 10_000)
  program.end()
})

test('one that is ended takes with it what it has started', async () => {
  const leaving = new AbortController()
  const script = 'sleep 300 & echo started; wait'
  const program = startProgram({ command: 'sh', args: ['-c', script], env, signal: leaving.signal })
  await once(program.stdout, 'data')
  leaving.abort()
  // The end comes when nobody holds its output any more, the one in the background included.
  assert.equal(await program.ended, -1)
  assert.throws(() => startProgram({ command: 'sh', args: [], env, signal: leaving.signal }), {
    name: 'AbortError',
  })
})

test('one that is not there is told, with what to do', async () => {
  const program = startProgram({ command: 'ssh', args: [], env: { PATH: '/nonexistent' } })
  const error = await failsWith(program.ended, 'internal', /^ssh cannot be run: .*ENOENT/)
  assert.match(error.next ?? '', /install an ssh client/)
})

test('ending one that is gone, or that is not ours to end, is no failure', async (t) => {
  const child = spawn('true', { detached: true })
  await once(child, 'close')
  endGroup(child.pid)
  t.mock.method(process, 'kill', () => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' })
  })
  endGroup(child.pid)
})
