import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { it } from 'node:test'
import type { LoggedVersion } from './logged-version.ts'
import { createVersionsSeen } from './versions-seen.ts'

function named(n: number): LoggedVersion {
  return { module: `corp.example/m${n}`, version: 'v1.0.0', h1: '', goModH1: '' } as unknown as LoggedVersion
}

/** Two names whose hashes begin with the same 38 bits: some hundred thousand have to be tried. */
function twins(): [LoggedVersion, LoggedVersion] {
  const seen = new Map<number, number>()
  for (let n = 0; ; n++) {
    const digest = hash('sha256', `corp.example/m${n}@v1.0.0`, 'buffer')
    const bits = Math.floor(digest.readUIntBE(0, 5) / 4)
    const twin = seen.get(bits)
    if (twin !== undefined) return [named(twin), named(n)]
    seen.set(bits, n)
  }
}

it('knows each version again, and tells apart those that share a place', async () => {
  const [a, b] = twins()
  const records = [named(-1), a, b]
  const { add } = createVersionsSeen(async (id) => records[id])
  for (const [id, version] of records.entries()) assert.equal(await add(id, version), undefined)
  for (const [id, version] of records.entries()) assert.equal(await add(9, version), id)
})
