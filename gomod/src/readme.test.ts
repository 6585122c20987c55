import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const FOLDER = mkdtempSync(join(tmpdir(), 'gomod-readme-'))

after(() => rmSync(FOLDER, { recursive: true }))

/** The examples that say what they give. Each such line becomes a row of the module's list `results`. */
const EXAMPLES = Array.from(README.matchAll(/^```js\n([^]*?)^```$/gm), ([, code = '']) => code).filter(
  (code) => {
    return code.includes('// =>')
  },
)

function runnable(example: string): string {
  return `export const results = []\n${example
    .replaceAll(/'@modstead\/gomod\/([^']+)'/g, (_, file: string) => {
      return JSON.stringify(new URL(`./${file}.ts`, import.meta.url).href)
    })
    .replaceAll(/^(.*) \/\/ => (.*)$/gm, (_, expression: string, value: string) => {
      return `results.push([${JSON.stringify(expression)}, ${expression}, ${value}])`
    })}`
}

suite('the examples of the README', () => {
  for (const [i, example] of EXAMPLES.entries()) {
    test(example.slice(0, example.indexOf('\n')), async () => {
      const file = join(FOLDER, `example-${i}.mjs`)
      writeFileSync(file, runnable(example))
      const { results } = (await import(pathToFileURL(file).href)) as {
        results: [string, unknown, unknown][]
      }
      assert.ok(results.length > 0)
      for (const [expression, value, said] of results) assert.deepEqual(value, said, expression)
    })
  }

  test('are there', () => assert.ok(EXAMPLES.length >= 8))
})
