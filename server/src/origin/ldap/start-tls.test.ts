import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { LdapServer } from '../../config/access/ldap.ts'
import { askForTls, resultIn } from './start-tls.ts'

/** An answer to message 1 with this result, as OpenLDAP and Active Directory write it. */
const answer = (result: number, id = 1): Buffer =>
  Buffer.from([0x30, 0x0c, 0x02, 0x01, id, 0x78, 0x07, 0x0a, 0x01, result, 0x04, 0x00, 0x04, 0x00])
const LONG = Buffer.from([0x30, 0x84, 0, 0, 0, 0x10, 2, 1, 1, 0x78, 0x84, 0, 0, 0, 7, 0x0a, 1, 0, 4, 0, 4, 0])

/** A success of a bind, which must not be taken for one of ours. */
const FORGED = Buffer.from([0x30, 0x0c, 0x02, 0x01, 0x02, 0x61, 0x07, 0x0a, 0x01, 0, 0x04, 0x00, 0x04, 0x00])

test('answers to StartTLS', () => {
  const cases: [bytes: Buffer, result: ReturnType<typeof resultIn>][] = [
    [answer(0), 0],
    [answer(2), 2],
    [LONG, 0],
    [answer(0, 2), 'other'],
    [FORGED, 'other'],
    [Buffer.concat([answer(0), FORGED]), 'other'],
    [Buffer.concat([answer(0), Buffer.from([0x30])]), 'other'],
    [answer(0).subarray(0, 13), 'more'],
    [Buffer.alloc(0), 'more'],
    [Buffer.from([0x30]), 'more'],
    [Buffer.from([0x30, 0x84, 0]), 'more'],
    [Buffer.from([0x30, 0x80, 0, 0]), 'other'],
    [Buffer.from([0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, 1, 2]), 'other'],
    [Buffer.from([0x30, 2, 2, 9]), 'other'],
    [Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 'other'],
  ]
  for (const [bytes, result] of cases) assert.equal(resultIn(bytes), result, bytes.toString('hex'))
})

async function serverThat(t: TestContext, says: readonly Buffer[]) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      for (const part of says) socket.write(part)
      if (says.length === 0) socket.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  t.after(() => {
    socket.destroy()
    server.close()
  })
  const described: LdapServer = { url: '', host: '127.0.0.1', port, security: 'startTls' }
  return { socket, described }
}

test('what was put behind the answer in the clear is never taken for something within TLS', async (t) => {
  for (const [says, message] of [
    [[Buffer.concat([answer(0), FORGED])], /no answer to StartTLS that can be understood/],
    // The begin of a message that would swallow what the server says within TLS.
    [[Buffer.concat([answer(0), Buffer.from([0x30, 0x82, 0x01, 0x00])])], /no answer to StartTLS/],
    [[Buffer.alloc(5000, 0x30)], /no answer to StartTLS/],
    [[answer(52)], /does not speak TLS on this port \(result 52\)/],
    [[], /broke the connection/],
  ] as const) {
    const { socket, described } = await serverThat(t, says)
    await assert.rejects(askForTls(socket, described), message)
  }
  const { socket, described } = await serverThat(t, [answer(0)])
  await askForTls(socket, described)
  assert.ok(socket.isPaused())
  assert.equal(socket.readableLength, 0)
})
