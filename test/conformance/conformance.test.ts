import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { setStage, type Stage } from '../support/stage.ts'
import { conformanceTree } from './fixture.ts'
import { rawRequest, type RawAnswer } from './raw-request.ts'
import { expand, readScript, type Case, type Expectation } from './script.ts'

const FOLDER = fileURLToPath(new URL('./', import.meta.url))

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt')))
  test(name, async (t) => {
    const script = await readScript(FOLDER + name)
    const modstead = { env: script.env, ...(script.config && { config: script.config }) }
    const stage = await setStage(t, { tree: conformanceTree(), modstead })
    let before: Record<string, string> = {}
    for (const each of script.cases)
      await t.test(`${name}:${each.line} ${each.name}`, async () => {
        before = await play(stage, each, before)
      })
  })

/** Plays one case; gives the headers of its answer to the next. */
async function play(
  stage: Stage,
  each: Case,
  before: Record<string, string>,
): Promise<Record<string, string>> {
  const from = stage.upstream.requests.length
  const request = expand(each.request, before)
  const method = request.split(' ', 1)[0]!
  const headers = each.headers.map(([name, value]) => `${name}: ${expand(value, before)}\r\n`)
  if (!each.headers.some(([name]) => name.toLowerCase() === 'host')) headers.unshift('Host: 127.0.0.1\r\n')
  const head = `${request} HTTP/1.1\r\n${headers.join('')}Connection: close\r\n\r\n`
  const answer = await rawRequest(stage.modstead.port, head, method)
  const shown = `${answer.status}: ${answer.body.toString('latin1').slice(0, 700)}`
  assert.ok(each.statuses.includes(answer.status), `the status is ${shown}`)
  if (answer.status >= 400 && method !== 'HEAD') checkErrorText(answer)
  const asked = stage.upstream.requests.slice(from).map((seen) => `${seen.method} ${seen.path}`)
  for (const expectation of each.expectations) check(expectation, answer, asked)
  return answer.headers
}

function check(expectation: Expectation, answer: RawAnswer, asked: readonly string[]): void {
  switch (expectation.kind) {
    case 'header': {
      const { name, value } = expectation
      const got = answer.headers[name]
      if (value instanceof RegExp) assert.match(got ?? '(absent)', value, name)
      else assert.equal(got, value, name)
      return
    }
    case 'body':
      assert.deepEqual(answer.body.toString().replace(/\n$/, '').split('\n'), expectation.lines)
      return
    case 'matches':
      assert.match(answer.body.toString('latin1'), expectation.pattern)
      return
    case 'bytes':
      assert.equal(answer.body.length, expectation.count)
      return
    case 'upstream':
      assert.deepEqual(asked, expectation.requests)
  }
}

/** Promise 4: text for a person at a terminal, within what `go` shows of it. */
function checkErrorText({ headers, body }: RawAnswer): void {
  const text = body.toString()
  assert.match(headers['content-type'] ?? '', /^text\/plain; charset=utf-8$/)
  assert.ok(text.length > 10 && body.length <= 640, `${body.length} bytes`)
  const lines = text.replace(/\n$/, '').split('\n')
  assert.ok(lines.length <= 8, `${lines.length} lines`)
  assert.ok(
    lines.every((line) => /^[^\p{C}]+$/u.test(line)),
    'a line is blank or has control characters',
  )
}
