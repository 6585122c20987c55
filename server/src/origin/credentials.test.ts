import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { OriginCredentials } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import { createCredentials } from './credentials.ts'
import { netrcLogin, parseNetrc } from './netrc.ts'
import { makeCertificates, type TestCertificates } from './test-certificates.ts'
import { asked, failsWith, MODULE, testOrigin } from './test-origin.ts'
import { respond, startTestUpstream } from './test-upstream.ts'

let certificates: TestCertificates
let folder: string
before(() => {
  certificates = makeCertificates()
  folder = mkdtempSync(join(tmpdir(), 'modstead-credentials-'))
})
after(() => {
  certificates.remove()
  rmSync(folder, { recursive: true })
})

function encoded(login: string): string {
  return `Basic ${Buffer.from(login).toString('base64')}`
}

/** The Authorization header that an origin with these credentials sends. */
async function sentWith(
  credentials: OriginCredentials | undefined,
  userinfo = '',
): Promise<string | undefined> {
  const upstream = await startTestUpstream((_request, socket) => respond(socket, 200), certificates.server)
  if (credentials?.kind === 'netrc')
    writeFileSync(credentials.file, `machine ${upstream.host} login lone password ly\n`)
  const origin = testOrigin(`https://${userinfo}${upstream.host}/base`, {
    ca: certificates.ca,
    ...(credentials && { credentials }),
  })
  try {
    await origin.versions(MODULE, asked())
    return upstream.seen[0]!.headers['authorization']
  } finally {
    await origin.close()
    await upstream.close()
  }
}

test('each kind of credentials as the upstream sees it', async () => {
  assert.equal(await sentWith(undefined), undefined)
  assert.equal(await sentWith(undefined, 'me:p%40ss%20w%C3%B6rd@'), encoded('me:p@ss wörd'))
  assert.equal(await sentWith(undefined, 'token@'), encoded('token:'))
  assert.equal(await sentWith(undefined, 'me:100%@'), encoded('me:100%'))
  assert.equal(await sentWith({ kind: 'basic', username: 'me', password: 'p:w' }), encoded('me:p:w'))
  assert.equal(
    await sentWith({ kind: 'basic', username: 'me', password: 'pw' }, 'not:this@'),
    encoded('me:pw'),
  )
  assert.equal(await sentWith({ kind: 'bearer', token: 'abc.def-_=' }), 'Bearer abc.def-_=')
  assert.equal(await sentWith({ kind: 'netrc', file: join(folder, 'netrc') }), encoded('lone:ly'))
})

test('credentials go to their own host, port and scheme, or to https in place of http', async () => {
  const table: [base: string, url: string, sent: boolean][] = [
    ['http://mirror.test/base', 'http://mirror.test/elsewhere', true],
    ['http://mirror.test', 'https://mirror.test/', true],
    ['http://mirror.test', 'https://other.test/', false],
    ['http://mirror.test', 'https://sub.mirror.test/', false],
    ['http://mirror.test', 'https://mirror.test:8443/', false],
    ['http://mirror.test:8080', 'https://mirror.test/', false],
    ['https://mirror.test', 'https://mirror.test:443/', true],
    ['https://mirror.test', 'http://mirror.test/', false],
    ['https://mirror.test', 'http://mirror.test:443/', false],
    ['https://mirror.test', 'https://mirror.test:8443/', false],
  ]
  const configured = { kind: 'bearer', token: 'secret' } as const
  for (const [base, url, sent] of table) {
    const login = createCredentials({ name: 'x', peer: { label: 'x' }, base: new URL(base), configured })
    const authorization = await login.authorizationFor(new URL(url))
    assert.equal(authorization, sent ? 'Bearer secret' : undefined, `${url} for ${base}`)
  }
})

test('a token that cannot stand in a header is refused at the start', () => {
  for (const token of ['', 'a b', 'a\nb', 'ä']) {
    assert.throws(
      () => testOrigin('https://example.com', { credentials: { kind: 'bearer', token } }),
      (error) =>
        error instanceof ModsteadError &&
        error.code === 'config_invalid' &&
        !error.message.includes(token || '""'),
    )
  }
})

test('a netrc file that cannot be read is an error, and nothing is sent', async () => {
  const upstream = await startTestUpstream((_request, socket) => respond(socket, 200))
  const origin = testOrigin(upstream.url, { credentials: { kind: 'netrc', file: join(folder, 'missing') } })
  await failsWith(origin.versions(MODULE, asked()), 'upstream_refused', /its netrc file cannot be read$/)
  assert.equal(upstream.seen.length, 0)
  await upstream.close()
})

test('messages never show a credential', async () => {
  const upstream = await startTestUpstream((_request, socket) => respond(socket, 401))
  const origin = testOrigin(upstream.url.replace('//', '//user:secret@'))
  const error = await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_refused',
    /wants other credentials \(401\)$/,
  )
  assert.equal(JSON.stringify([error.message, error.next]).includes('secret'), false)
  await origin.close()
  await upstream.close()
})

test('an authority of the configured bundle is trusted, an unknown one is not', async () => {
  const upstream = await startTestUpstream((_request, socket) => respond(socket, 200), certificates.server)
  const trusting = testOrigin(upstream.url, { ca: certificates.ca })
  assert.deepEqual(await trusting.versions(MODULE, asked()), { versions: [] })
  await trusting.close()
  const strict = testOrigin(upstream.url, { tries: 1 })
  const error = await failsWith(
    strict.versions(MODULE, asked()),
    'upstream_unreachable',
    /certificate that cannot be trusted/,
  )
  assert.match(error.next ?? '', /"ca"/)
  const misnamed = testOrigin(
    `https://wrong.test:${upstream.port}`,
    { ca: certificates.ca, tries: 1 },
    { lookup: async () => [{ address: '127.0.0.1', family: 4 }] },
  )
  await failsWith(misnamed.versions(MODULE, asked()), 'upstream_unreachable', /ERR_TLS_CERT_ALTNAME_INVALID/)
  await upstream.close()
})

test('the client certificate is shown to the configured host only', async () => {
  const tls = { ...certificates.server, ca: [], requestCert: true, rejectUnauthorized: false }
  const shown: (string | undefined)[] = []
  const note = (socket: unknown): void => {
    const { subject } = (
      socket as { getPeerCertificate(): { subject?: { CN?: string } } }
    ).getPeerCertificate()
    shown.push(subject?.CN)
  }
  const other = await startTestUpstream((_request, socket) => {
    note(socket)
    respond(socket, 200)
  }, tls)
  const own = await startTestUpstream((_request, socket) => {
    note(socket)
    respond(socket, 302, '', { location: other.url })
  }, tls)
  const origin = testOrigin(own.url, {
    ca: certificates.ca,
    credentials: { kind: 'clientCertificate', ...certificates.client },
  })
  await origin.versions(MODULE, asked())
  assert.deepEqual(shown, ['client', undefined])
  await origin.close()
  await own.close()
  await other.close()
})

test('certificate files that cannot be used are refused at the start', () => {
  const { ca, client } = certificates
  const text = join(folder, 'text')
  writeFileSync(text, 'not a certificate')
  const broken = join(folder, 'broken.pem')
  writeFileSync(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  const table: Parameters<typeof testOrigin>[1][] = [
    { ca: join(folder, 'absent') },
    { ca: text },
    { credentials: { kind: 'clientCertificate', cert: client.cert, key: text } },
    { credentials: { kind: 'clientCertificate', cert: broken, key: client.key } },
    { credentials: { kind: 'clientCertificate', cert: ca, key: client.key } },
  ]
  for (const options of table) {
    assert.throws(
      () => testOrigin('https://example.com', options),
      (error) => error instanceof ModsteadError && error.code === 'config_invalid',
      JSON.stringify(options),
    )
  }
})

const NETRC = `
machine incomplete
password none

machine api.github.com
  login user
  password pwd

machine incomlete.host
  login justlogin

machine test.host
login user2
password pwd2

machine oneline login user3 password pwd3

machine ignore.host macdef ignore
  login nobody
  password nothing

machine hasmacro.too macdef ignore-next-lines login user4 password pwd4
  login nobody
  password nothing

default
login anonymous
password gopher@golang.org

machine after.default
login oops
password too-late-in-file
`

test('netrc files are read as go reads them', () => {
  const entry = (machine: string, username: string, password: string) => ({ machine, username, password })
  const table: [text: string, entries: ReturnType<typeof entry>[]][] = [
    ['', []],
    [
      NETRC,
      [
        entry('api.github.com', 'user', 'pwd'),
        entry('test.host', 'user2', 'pwd2'),
        entry('oneline', 'user3', 'pwd3'),
        entry('hasmacro.too', 'user4', 'pwd4'),
      ],
    ],
    [
      'machine a login b password c\r\nmachine d login e password f',
      [entry('a', 'b', 'c'), entry('d', 'e', 'f')],
    ],
    ['machine a password c login b account x', [entry('a', 'b', 'c')]],
    ['machine a login b machine c login d password e', [entry('c', 'd', 'e')]],
    ['login b password c', []],
    ['machine a login b password', []],
  ]
  for (const [text, entries] of table) assert.deepEqual(parseNetrc(text), entries, text)
})

test('a machine is a host with its port, or a path on it; the longest counts, then the first', () => {
  const entries = parseNetrc(`
machine go.corp login host password p
machine go.corp login second password p
machine go.corp:8443 login port password p
machine go.corp/team/ login team password p
machine go.corp/team/deep login deep password p
`)
  const table: [url: string, username: string | undefined][] = [
    ['https://go.corp/x/@v/list', 'host'],
    ['https://go.corp', 'host'],
    ['https://go.corp:443/x', 'host'],
    ['https://go.corp:8443/x', 'port'],
    ['https://go.corp:8444/x', undefined],
    ['https://sub.go.corp/x', undefined],
    ['https://go.corp/team', 'team'],
    ['https://go.corp/team/x', 'team'],
    ['https://go.corp/teams/x', 'host'],
    ['https://go.corp/team/deep/x', 'deep'],
  ]
  for (const [url, username] of table)
    assert.equal(netrcLogin(entries, new URL(url))?.username, username, url)
})
