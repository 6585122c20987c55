import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { makeCertificates } from '../origin/test-certificates.ts'
import { readRemote } from './remote.ts'

test('where the certificate of a modstead is of an authority of its own, the error tells how to name that', async (t) => {
  const certificates = makeCertificates()
  t.after(() => certificates.remove())
  const server = createServer(certificates.server)
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await assert.rejects(readRemote(`https://127.0.0.1:${port}`, '/'), {
    code: 'upstream_unreachable',
    message: /^the certificate of 127\.0\.0\.1:\d+ is not trusted \([A-Z_]+\)$/,
    next: /NODE_EXTRA_CA_CERTS/,
  })
})
