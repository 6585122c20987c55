import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import { openClientTrust } from './client-trust.ts'

test('authorities that cannot be used: why, in one line', async (t) => {
  const folder = await temporaryFolder(t)
  const ca = join(folder, 'ca.pem')
  const { log } = createTestObserver()
  const pem = (base64: string) => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
  for (const [text, reason] of [
    [pem('AAAA'), /ca\.pem cannot be used \(.*asn1/i],
    [pem(''), /ca\.pem cannot be used \(.+\)$/],
  ] as const) {
    await writeFile(ca, text)
    await assert.rejects(openClientTrust({ files: { ca }, log }), ({ message }: Error) => {
      assert.match(message, reason)
      assert.ok(!message.includes('\n'))
      return true
    })
  }
})
