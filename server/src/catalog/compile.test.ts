import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { it } from 'node:test'
import { sqliteStatements } from './compile.ts'

it('the statements that run are those of migrations.ts, reads.ts and writes.ts: "npm run docs" writes them', async () => {
  const written = await readFile(new URL('./sqlite-statements.ts', import.meta.url), 'utf8')
  assert.equal(written, await sqliteStatements())
})
