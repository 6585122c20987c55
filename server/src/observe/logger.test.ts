import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createObserver } from './create-observer.ts'
import { escapeControls } from './text-lines.ts'

function capture(config: Parameters<typeof createObserver>[0], isTTY = false) {
  const written: string[] = []
  const now = () => new Date(2026, 0, 2, 3, 4, 5)
  const stdout = { write: (text: string) => written.push(text) }
  const { log } = createObserver(config, { stdout, isTTY, colour: false, now })
  return { log, written, text: () => (log.flush(), written.join('')) }
}

test('JSON lines have one shape', () => {
  const { log, text } = capture({ level: 'info', format: 'auto' })
  log.info({ origin: 'public', url: 'https://u:p@host/x' }, 'asked https://u:p@host')
  log.debug({}, 'unseen')
  assert.deepEqual(JSON.parse(text()), {
    level: 'info',
    time: new Date(2026, 0, 2, 3, 4, 5).toISOString(),
    origin: 'public',
    url: 'https://(hidden)@host/x',
    message: 'asked https://(hidden)@host',
  })
  assert.equal(text().split('\n').length, 2)
})

test('lines for people on a terminal, or when asked for', () => {
  for (const [format, isTTY] of [
    ['auto', true],
    ['text', false],
  ] as const) {
    const { log, text } = capture({ level: 'debug', format }, isTTY)
    log.debug({ n: 1, list: ['a'], words: 'two words' }, 'hello')
    assert.equal(text(), '03:04:05 debug hello  n=1  list=["a"]  words="two words"\n')
  }
})

test('levels', () => {
  for (const [level, lines] of [
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
  ] as const) {
    const { log, text } = capture({ level, format: 'json' })
    for (const name of ['debug', 'info', 'warn', 'error'] as const) log[name]({}, name)
    assert.equal(text().trim().split('\n').length, lines, level)
  }
})

test('lines of one turn are written together, warnings at once', async () => {
  const { log, written } = capture({ level: 'info', format: 'json' })
  log.info({}, 'one')
  log.info({}, 'two')
  assert.equal(written.length, 0)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(written.length, 1)
  log.info({}, 'three')
  log.warn({}, 'four')
  assert.equal(written.length, 2)
})

test('nobody writes lines or colours into our lines', () => {
  const { log, text } = capture({ level: 'info', format: 'text' })
  log.info({ module: 'a\u001B[31m\nerror=faked', name: '\u202Ecba' }, 'two\nlines\u009B')
  assert.equal(
    text(),
    '03:04:05 info  two\\u000alines\\u009b  module="a\\u001b[31m\\nerror=faked"  name=\\u202ecba\n',
  )
  assert.equal(escapeControls('zwölf 🐹'), 'zwölf 🐹')
})

test('errors as text: code, message and cause in one line, the stack below', () => {
  const { log, text } = capture({ level: 'info', format: 'text' })
  log.error({ error: new Error('broken', { cause: new Error('root') }) }, 'unexpected')
  const [first, second] = text().split('\n')
  assert.equal(first, '03:04:05 error unexpected  error=Error: broken (Error: root)')
  assert.match(second!, /^ {4}Error: broken$/)
})
