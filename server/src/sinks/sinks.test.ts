import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { test, type TestContext } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { AuditEvent } from '../audit/event.ts'
import { someEvent } from '../audit/audit.fixture.ts'
import { eventIn } from '../audit/line.ts'
import type { AuditSink } from '../audit/sink.ts'
import { eventually } from '../observe/test-support.ts'
import { openKafka } from './kafka.ts'
import { openNats } from './nats.ts'
import { openOtlp } from './otlp.ts'
import { openSyslog } from './syslog.ts'
import { openWebhook } from './webhook.ts'

const events = (first: number, count: number): AuditEvent[] =>
  Array.from({ length: count }, (_, i) => eventIn(someEvent(first + i, 'corp.example/ünïcode"\\'))!)
const never = (): AbortSignal => new AbortController().signal

interface Received {
  path: string
  headers: IncomingMessage['headers']
  body: string
}

async function receiver(t: TestContext, statuses: number[] = []) {
  const received: Received[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      received.push({ path: req.url!, headers: req.headers, body: Buffer.concat(chunks).toString() })
      res.writeHead(statuses.shift() ?? 200, { location: 'http://elsewhere.example/' }).end('said SO')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function closeAtEnd(t: TestContext, sink: AuditSink): AuditSink {
  t.after(() => sink.close())
  return sink
}

test('a webhook gets lines of JSON that are signed, and what is no success is none', async (t) => {
  const { received, url } = await receiver(t, [200, 500, 302, 404])
  const secret = 'hook-secret-0123456789'
  const sink = closeAtEnd(
    t,
    await openWebhook({ name: 'w', type: 'webhook', url: `${url}/x`, secret, batch: 10 }, {}),
  )
  const sent = events(1, 3)
  await sink.send(sent, never())
  const [{ path, headers, body }] = received as [Received]
  assert.deepEqual([path, headers['content-type']], ['/x', 'application/x-ndjson'])
  assert.deepEqual(
    body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    sent,
  )
  const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['modstead-signature']))!
  assert.equal(mac, createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'))
  assert.equal(headers['modstead-delivery'], sent[0]!.event_id)
  await assert.rejects(sink.send(sent, never()), /answered 500: said SO/)
  await assert.rejects(sink.send(sent, never()), /answered 302/)
  await assert.rejects(sink.send(sent, never()), /answered 404/)
  assert.equal(received.length, 4, 'a redirect is not followed')
  await assert.rejects(sink.send(sent, AbortSignal.abort(new Error('enough'))), /enough/)
})

test('an OpenTelemetry collector gets log records', async (t) => {
  const { received, url } = await receiver(t)
  const headers = { 'x-key': 'otlp-secret' }
  const sink = closeAtEnd(
    t,
    await openOtlp({ name: 'o', type: 'otlp', url, headers, batch: 10 }, '1.2.3', {}),
  )
  const [event] = events(1, 1) as [AuditEvent]
  const denied = { ...event, auth_result: 'denied', trace_id: 'a'.repeat(32) } as const
  await sink.send([event, denied], never())
  const [one] = received as [Received]
  assert.deepEqual([one.path, one.headers['x-key']], ['/v1/logs', 'otlp-secret'])
  const { resourceLogs } = JSON.parse(one.body) as {
    resourceLogs: { scopeLogs: { logRecords: Record<string, unknown>[] }[] }[]
  }
  const records = resourceLogs[0]!.scopeLogs[0]!.logRecords
  assert.equal(records.length, 2)
  assert.partialDeepStrictEqual(records[0], {
    severityText: 'INFO',
    eventName: 'modstead.audit.download',
    timeUnixNano: `${Date.parse(event.timestamp)}000000`,
  })
  assert.partialDeepStrictEqual(records[1], { severityText: 'WARN', traceId: 'a'.repeat(32) })
  const attributes = records[0]!.attributes as { key: string; value: object }[]
  assert.deepEqual(attributes.find(({ key }) => key === 'modstead.module')!.value, {
    stringValue: event.module,
  })
  assert.deepEqual(attributes.find(({ key }) => key === 'modstead.bytes')!.value, { intValue: '1' })
  assert.ok(!attributes.some(({ key }) => key === 'modstead.code'))
})

/** A syslog server for streams: the messages by the octets that are counted. */
async function streamServer(t: TestContext, make: (onSocket: (socket: Socket) => void) => Server) {
  const messages: string[] = []
  const sockets = new Set<Socket>()
  const server = make((socket) => {
    sockets.add(socket)
    let bytes = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      for (;;) {
        const space = bytes.indexOf(' ')
        const length = Number(bytes.subarray(0, Math.max(0, space)).toString())
        if (space < 0 || bytes.length < space + 1 + length) return
        messages.push(bytes.subarray(space + 1, space + 1 + length).toString())
        bytes = bytes.subarray(space + 1 + length)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { messages, sockets, port: (server.address() as AddressInfo).port }
}

const MESSAGE = /^<(\d+)>1 \S+Z \S+ modstead \d+ download - (\{.*\})$/s

test('syslog over TCP and TLS: framed by octets, and the last batch again after a break', async (t) => {
  const folder = fileURLToPath(new URL('../../../test/testdata/tls/', import.meta.url))
  const [cert, key] = await Promise.all([readFile(`${folder}cert.pem`), readFile(`${folder}key.pem`)])
  for (const transport of ['tcp', 'tls'] as const) {
    const server = await streamServer(t, (onSocket) =>
      transport === 'tcp' ? createTcp(onSocket) : createTls({ cert, key }, onSocket),
    )
    const ca = transport === 'tls' ? { ca: `${folder}ca.pem` } : {}
    const sink = await openSyslog({
      name: 's',
      type: 'syslog',
      transport,
      host: '127.0.0.1',
      port: server.port,
      facility: 13,
      ...ca,
    })
    const sent = events(1, 50)
    await sink.send(sent, never())
    await eventually(() => server.messages.length === 50, 'all arrived')
    const [, priority, json] = MESSAGE.exec(server.messages[7]!)!
    assert.deepEqual([priority, JSON.parse(json!)], ['110', sent[7]])
    for (const socket of server.sockets) socket.destroy()
    await eventually(() => server.sockets.size === 0, 'the connection broke')
    // The first writing may go into the broken connection; a delivery would try again.
    for (let i = 0; i < 20 && server.messages.length === 50; i++) {
      await sink.send(events(51, 1), never()).catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await eventually(() => server.messages.length >= 101, 'the batch before came again')
    assert.match(server.messages.at(-1)!, /"seq":51/)
    await sink.close()
    if (transport === 'tcp') continue
    const untrusting = await openSyslog({
      name: 's',
      type: 'syslog',
      transport,
      host: '127.0.0.1',
      port: server.port,
      facility: 13,
    })
    await assert.rejects(untrusting.send(sent, never()), /certificate|self-signed|issuer/)
    await untrusting.close()
  }
})

test('syslog over UDP', async (t) => {
  const messages: string[] = []
  const socket = createSocket('udp4').on('message', (message) => messages.push(message.toString()))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => new Promise<void>((resolve) => socket.close(() => resolve())))
  const { port } = socket.address()
  const sink = closeAtEnd(
    t,
    await openSyslog({ name: 's', type: 'syslog', transport: 'udp', host: '127.0.0.1', port, facility: 16 }),
  )
  await sink.send([{ ...events(1, 1)[0]!, auth_result: 'failed' }], never())
  await eventually(() => messages.length === 1, 'it arrived')
  assert.match(messages[0]!, /^<132>1 /)
})

test('a receiver that is not there is a failure', async () => {
  const gone = await openSyslog({
    name: 's',
    type: 'syslog',
    transport: 'tcp',
    host: '127.0.0.1',
    port: 1,
    facility: 13,
  })
  await assert.rejects(gone.send(events(1, 1), never()), /ECONNREFUSED/)
  await gone.close()
  const nobody = await openNats({ name: 'n', type: 'nats', servers: ['127.0.0.1:1'], subject: 'x' })
  await assert.rejects(nobody.send(events(1, 1), never()))
  await nobody.close()
})

const NATS = '127.0.0.1:4222'

test('NATS JetStream keeps each event once, however often it is sent', async (t) => {
  const connection = await connect({ servers: NATS })
  const subject = `modstead-test-${process.pid}-${Date.now()}`
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: subject, subjects: [`${subject}.>`] })
  t.after(async () => {
    await manager.streams.delete(subject)
    await connection.close()
  })
  const sink = closeAtEnd(t, await openNats({ name: 'n', type: 'nats', servers: [NATS], subject }))
  const sent = events(1, 100)
  await sink.send(sent, never())
  await sink.send(sent, never())
  assert.equal((await manager.streams.info(subject)).state.messages, 100)
  const consumer = await jetstream(connection).consumers.get(subject)
  const message = await consumer.next()
  assert.equal(message!.subject, `${subject}.download`)
  assert.deepEqual(message!.json(), sent[0])
  // Where no stream takes the subject, nobody has it.
  const astray = closeAtEnd(
    t,
    await openNats({ name: 'n', type: 'nats', servers: [NATS], subject: `${subject}-other` }),
  )
  await assert.rejects(astray.send(sent.slice(0, 1), never()))
})

test('without its library Kafka is a mistake of the configuration that names it', async () => {
  await assert.rejects(
    openKafka({ name: 'k', type: 'kafka', brokers: ['127.0.0.1:1'], topic: 't', tls: false }),
    { code: 'config_invalid', next: /npm install kafkajs/ },
  )
})
