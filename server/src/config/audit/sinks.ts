import { z } from 'zod'
import { absolutePath, type BuildContext, complain, pemFile, readNamedFile } from '../context.ts'
import { choice, count, flag, path, secret, text, texts } from '../fields.ts'
import type { KeyPath } from '../problems.ts'
import { HIDDEN, resolveSecret, SHORTEST } from '../secrets.ts'
import type { SinkConfig } from './audit-config.ts'

const TYPES = ['syslog', 'webhook', 'nats', 'kafka', 'otlp'] as const
const ca = path('a PEM file')
  .optional()
  .describe('Certificate authorities trusted besides the system’s, PEM.')
const batch = count({ min: 1, max: 5000 }).prefault(500).describe('Events in one request at most.')

const syslog = z.strictObject({
  type: choice(['syslog'], TYPES).describe('RFC 5424, one message an event.'),
  url: text('a URL such as tls://logs.corp.example:6514, tcp://… or udp://…').describe(
    'Where it listens: `tls:`, `tcp:` or `udp:` with a port. Over udp nobody says what arrived.',
  ),
  ca,
  facility: count({ min: 0, max: 23 })
    .prefault(13)
    .describe('Facility; 13 is log audit, 16 to 23 local0 to local7.'),
})

const webhook = z.strictObject({
  type: choice(['webhook'], TYPES).describe('POST of JSON lines, signed.'),
  url: text('a URL such as https://siem.corp.example/modstead').describe('Where events are sent.'),
  secret: secret(`a secret of ${SHORTEST} characters or more`).describe(
    'Key of the HMAC in `Modstead-Signature`.',
  ),
  ca,
  batch,
})

const nats = z.strictObject({
  type: choice(['nats'], TYPES).describe('NATS JetStream: a stream must take the subject.'),
  servers: texts('an address such as nats://nats.corp.example:4222').describe('Servers, `nats:` or `tls:`.'),
  subject: text('a subject such as modstead.audit').describe(
    'The subject; the type of the event comes after it.',
  ),
  token: secret('a token').optional().describe('Alone: a token.'),
  username: text('a user name').optional().describe('With `password`.'),
  password: secret('a password').optional().describe('With `username`.'),
  creds: path('a credentials file').optional().describe('Alone: a credentials file (JWT and seed).'),
  ca,
})

const kafka = z.strictObject({
  type: choice(['kafka'], TYPES).describe('Kafka, with the library `kafkajs` installed beside modstead.'),
  brokers: texts('an address such as kafka.corp.example:9092').describe('Brokers.'),
  topic: text('a topic').describe('The topic; the key of a message is the id of its event.'),
  tls: flag().prefault(true).describe('TLS to the brokers.'),
  ca,
  username: text('a user name').optional().describe('SASL, with `password`.'),
  password: secret('a password').optional().describe('SASL, with `username`.'),
  mechanism: choice(['plain', 'scram-sha-256', 'scram-sha-512'])
    .prefault('scram-sha-256')
    .describe('SASL mechanism.'),
})

const otlp = z.strictObject({
  type: choice(['otlp'], TYPES).describe('OpenTelemetry logs, OTLP over HTTP with JSON.'),
  url: text('a URL such as http://collector.corp.example:4318').describe(
    'The collector; `/v1/logs` comes after it.',
  ),
  headers: z
    .record(z.string().regex(/^[A-Za-z][\w-]*$/), secret('the value of a header'))
    .optional()
    .describe('Headers, such as one with a key.'),
  ca,
  batch,
})

export const sinkSchema = z.discriminatedUnion('type', [syslog, webhook, nats, kafka, otlp])
export type FileSink = z.output<typeof sinkSchema>

/** One entry of `audit.sinks`, with its secrets read; `undefined` where something is wrong with it. */
export async function buildSink(
  context: BuildContext,
  at: KeyPath,
  name: string,
  file: FileSink,
): Promise<SinkConfig | undefined> {
  const trust = file.ca === undefined ? {} : { ca: await pemFile(context, [...at, 'ca'], file.ca) }
  const hidden = (key: string, value: string) => resolveSecret(context, [...at, key], value)
  switch (file.type) {
    case 'syslog': {
      const url = URL.parse(file.url)
      const transport = /^(udp|tcp|tls):$/.exec(url?.protocol ?? '')?.[1]
      if (url === null || transport === undefined || url.port === '' || url.hostname === '') {
        complain(context, [...at, 'url'], 'expected tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT')
        return undefined
      }
      if (transport !== 'tls' && !isLoopback(url.hostname))
        context.warn(`the audit log goes to ${name} without TLS: others on the way can read and change it`)
      const { facility, type } = file
      const host = url.hostname.replace(/^\[|\]$/g, '')
      return {
        name,
        type,
        transport: transport as 'udp' | 'tcp' | 'tls',
        host,
        port: Number(url.port),
        facility,
        ...trust,
      }
    }
    case 'webhook': {
      if (!isHttp(context, [...at, 'url'], name, file.url)) return undefined
      const value = await hidden('secret', file.secret)
      if (value.length < SHORTEST)
        complain(context, [...at, 'secret'], `expected ${SHORTEST} characters or more, found ${value.length}`)
      return { name, type: file.type, url: file.url, secret: value, batch: file.batch, ...trust }
    }
    case 'nats': {
      if (!/^[\w-]+(\.[\w-]+)*$/.test(file.subject))
        complain(context, [...at, 'subject'], 'expected words with dots between them, without * and >')
      const given = [file.token, file.username ?? file.password, file.creds].filter(
        (one) => one !== undefined,
      )
      if (given.length > 1 || (file.username === undefined) !== (file.password === undefined))
        complain(context, at, 'expected a token, or username and password, or creds')
      const login =
        file.token !== undefined
          ? ({ kind: 'token', token: await hidden('token', file.token) } as const)
          : file.creds !== undefined
            ? ({ kind: 'creds', file: absolutePath(context, [...at, 'creds'], file.creds) } as const)
            : file.username !== undefined
              ? ({
                  kind: 'password',
                  username: file.username,
                  password: await hidden('password', file.password ?? ''),
                } as const)
              : undefined
      if (login?.kind === 'creds') await readNamedFile(context, [...at, 'creds'], file.creds!)
      const { type, servers, subject } = file
      return { name, type, servers, subject, ...(login && { login }), ...trust }
    }
    case 'kafka': {
      if ((file.username === undefined) !== (file.password === undefined))
        complain(context, at, 'expected username and password together')
      const { type, brokers, topic, tls, username, password, mechanism } = file
      return {
        name,
        type,
        brokers,
        topic,
        tls,
        ...trust,
        ...(username !== undefined &&
          password !== undefined && {
            login: { username, password: await hidden('password', password), mechanism },
          }),
      }
    }
    case 'otlp': {
      if (!isHttp(context, [...at, 'url'], name, file.url)) return undefined
      const headers = await Promise.all(
        Object.entries(file.headers ?? {}).map(
          async ([header, value]) =>
            [header, await resolveSecret(context, [...at, 'headers', header], value)] as const,
        ),
      )
      const { type, batch } = file
      const url = file.url.replace(/\/+$/, '')
      return { name, type, url, headers: Object.fromEntries(headers), batch, ...trust }
    }
  }
}

function isHttp(context: BuildContext, at: KeyPath, name: string, text: string): boolean {
  const url = URL.parse(text)
  const fits = url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === ''
  if (!fits) complain(context, at, 'expected an https or http URL without a user name and password')
  else if (url.protocol === 'http:' && !isLoopback(url.hostname))
    context.warn(`the audit log goes to ${name} without TLS: others on the way can read and change it`)
  return fits
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** An entry of `audit.sinks` as a file would say it. */
export function describeSink(sink: SinkConfig): [string, Record<string, unknown>] {
  const { name, ...given } = sink
  switch (given.type) {
    case 'syslog': {
      const { transport, host, port, ...rest } = given
      return [name, { ...rest, url: `${transport}://${host.includes(':') ? `[${host}]` : host}:${port}` }]
    }
    case 'webhook':
      return [name, { ...given, secret: HIDDEN }]
    case 'nats': {
      const { login, servers, ...rest } = given
      return [name, { ...rest, servers: [...servers], ...describeLogin(login) }]
    }
    case 'kafka': {
      const { login, brokers, ...rest } = given
      return [
        name,
        {
          ...rest,
          brokers: [...brokers],
          ...(login && { username: login.username, password: HIDDEN, mechanism: login.mechanism }),
        },
      ]
    }
    case 'otlp':
      return [
        name,
        {
          ...given,
          headers: Object.fromEntries(Object.keys(given.headers).map((header) => [header, HIDDEN])),
        },
      ]
  }
}

function describeLogin(login: Extract<SinkConfig, { type: 'nats' }>['login']): Record<string, string> {
  switch (login?.kind) {
    case 'token':
      return { token: HIDDEN }
    case 'password':
      return { username: login.username, password: HIDDEN }
    case 'creds':
      return { creds: login.file }
    case undefined:
      return {}
  }
}
