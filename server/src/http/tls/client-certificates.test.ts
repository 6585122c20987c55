import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import tls from 'node:tls'
import { spawn } from 'node:child_process'
import type { ModulePath } from '@modstead/gomod/path'
import { createAccess } from '../../access/access.ts'
import { createCertificates } from '../../access/certificates/certificates.ts'
import type { CertificatesByConnection } from '../../access/certificates/client-certificate.ts'
import { createDecide } from '../../access/decide.ts'
import { createIdentify } from '../../access/identify.ts'
import type { People } from '../../access/people.ts'
import { createConfigTokens } from '../../access/tokens/config-tokens.ts'
import type { CertificateRule, NameMatch } from '../../config/access/access-config.ts'
import type { TlsConfig } from '../../config/config.ts'
import { temporaryFolder } from '../../observe/test-support.ts'
import { bytesAnswer, startServer } from '../http.fixture.ts'
import { type Authority, FOR_CLIENTS, type Issued, makeAuthority } from './authority.fixture.ts'

const SECRET = 'a-token-of-the-configuration'
const PRIVATE = '/corp.example/lib/@v/v1.0.0.info'
const PUBLIC = '/example.com/mod/@v/v1.0.0.info'

const subject = (attributes: Record<string, string[]>): NameMatch => ({
  kind: 'subject',
  attributes: new Map(Object.entries(attributes)),
})
const rule = (match: NameMatch, as: string, groups: string[] = []): CertificateRule => {
  const [, kind, name] = /^(user|service|workload):(.+)$/.exec(as)!
  return { match, as: { kind: kind as 'user', name: name! }, groups }
}
const RULES: CertificateRule[] = [
  rule(subject({ CN: ['build-*'], OU: ['ci'], O: ['Corp'] }), 'workload:{1}', ['ci']),
  rule({ kind: 'dns', pattern: '*.ci.corp.example' }, 'workload:{0}', ['ci']),
  rule({ kind: 'email', pattern: '*@corp.example' }, 'user:{1}'),
  rule({ kind: 'uri', pattern: 'spiffe://corp.example/ns/*/sa/*' }, 'workload:{2}', ['{1}']),
  rule(subject({ CN: ['any *'] }), 'user:{1}'),
]

/** A directory that knew Mallory once. */
const PEOPLE: People = {
  find: async (user) =>
    user === 'mallory' ? undefined : { groups: user === 'dora' ? ['ci'] : [], claims: {} },
}

interface Site {
  main: number
  clients: number
  spiffe: number
  corp: Authority
  other: Authority
  workloads: Authority
  files: { ca: string; crl: string }
  reload: () => Promise<void>
  folder: string
}

async function site(t: TestContext): Promise<Site> {
  const folder = await temporaryFolder(t)
  const [corp, other, workloads] = ['corp', 'other', 'workloads'].map((name) =>
    makeAuthority(folder, name),
  ) as [Authority, Authority, Authority]
  const server = corp.issue('localhost', { extensions: 'subjectAltName=DNS:localhost' })
  const at = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const crl = join(folder, 'crl.pem')
  corp.writeCrl(crl)
  const files = { ca: at('clients.pem', readFileSync(corp.ca, 'utf8')), crl }
  const free = [{ host: '127.0.0.1', port: 0 }]
  const config: TlsConfig = {
    cert: at('cert.pem', server.cert),
    key: at('key.pem', server.key),
    minVersion: 'TLSv1.2',
    clients: [
      { listen: free, ...files },
      { listen: free, ca: workloads.ca, trustDomain: 'corp.example' },
    ],
  }
  const certificates: CertificatesByConnection = new WeakMap()
  const access = createAccess({
    identify: createIdentify({
      credentials: [createConfigTokens([{ name: 'ci', token: SECRET, may: [] }])],
      connections: createCertificates({ rules: RULES, presented: certificates, people: PEOPLE }),
    }),
    decide: createDecide(
      {
        anonymous: ['*'],
        admins: [],
        roles: new Map(),
        bindings: [
          {
            to: [
              { kind: 'group', name: 'ci' },
              { kind: 'user', name: 'alice' },
              { kind: 'service', name: 'ci' },
            ],
            role: 'viewer',
            modules: ['corp.example'],
          },
        ],
      },
      { isPrivate: (module) => module.startsWith('corp.example') },
    ),
    open: false,
    closed: false,
  })
  const { server: http, proxy } = await startServer(t, { config: { tls: config }, access, certificates })
  for (const path of [PRIVATE, PUBLIC])
    proxy.answers.set(path, () => bytesAnswer('{}', { module: path.slice(1).split('/@')[0] as ModulePath }))
  const [main, clients, spiffe] = http.addresses().map((address) => ('port' in address ? address.port : 0))
  return {
    main: main!,
    clients: clients!,
    spiffe: spiffe!,
    corp,
    other,
    workloads,
    files,
    reload: () => http.reload(),
    folder,
  }
}

interface Given {
  with?: Pick<Issued, 'cert' | 'key'>
  headers?: Record<string, string>
  agent?: https.Agent
  maxVersion?: tls.SecureVersion
}

async function get(port: number, path: string, { with: pair, ...given }: Given = {}) {
  const request = https.get({
    host: '127.0.0.1',
    port,
    path,
    rejectUnauthorized: false,
    agent: false,
    ...(pair && { cert: pair.cert, key: pair.key }),
    ...given,
  })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const text = Buffer.concat(await response.toArray()).toString()
  return { status: response.statusCode!, text, socket: request.socket as tls.TLSSocket }
}

const LONG_AGO = { start: '200101000000Z', end: '200201000000Z' }

test('a certificate names somebody, by subject, host, address or SPIFFE id', async (t) => {
  const { clients, spiffe, corp, workloads } = await site(t)
  const below = corp.intermediate('below')
  const san = (name: string): string => `${FOR_CLIENTS}\nsubjectAltName=${name}`
  const leaf = below.issue('x', { extensions: san('DNS:one.ci.corp.example') })
  const rows: [title: string, port: number, pair: Pick<Issued, 'cert' | 'key'>, status: number][] = [
    ['subject', clients, corp.issue('a', { subject: '/O=Corp/OU=ci/CN=build-1' }), 200],
    ['another order', clients, corp.issue('b', { subject: '/CN=build-1/L=here/OU=ci/O=Corp' }), 200],
    ['host, in any case', clients, corp.issue('c', { extensions: san('DNS:Two.CI.corp.example') }), 200],
    ['address', clients, corp.issue('d', { extensions: san('email:alice@Corp.Example') }), 200],
    [
      'without extended key usage',
      clients,
      corp.issue('e', { subject: '/O=Corp/OU=ci/CN=build-1', extensions: 'basicConstraints=CA:FALSE' }),
      200,
    ],
    [
      'a group of the directory',
      clients,
      corp.issue('j', { extensions: san('email:dora@corp.example') }),
      200,
    ],
    [
      'SPIFFE id',
      spiffe,
      workloads.issue('f', { extensions: san('URI:spiffe://corp.example/ns/ci/sa/build') }),
      200,
    ],
    [
      'known, and without the right',
      clients,
      corp.issue('g', { extensions: san('email:bob@corp.example') }),
      403,
    ],
    [
      'known by another namespace',
      spiffe,
      workloads.issue('h', { extensions: san('URI:spiffe://corp.example/ns/web/sa/build') }),
      403,
    ],
  ]
  for (const [title, port, pair, status] of rows)
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { status: got, text } = await get(port, PRIVATE, { with: pair, maxVersion })
      assert.equal(got, status, `${title} ${maxVersion}: ${text}`)
    }
  // The list of the authority below is not there: whether it revoked something cannot be known.
  const chained = await get(clients, PRIVATE, {
    with: { cert: leaf.cert + readFileSync(below.ca, 'utf8'), key: leaf.key },
  })
  assert.match(chained.text, /list of revoked certificates this server does not have/)
  const workload = workloads.intermediate('agent')
  const svid = workload.issue('svid', { extensions: san('URI:spiffe://corp.example/ns/ci/sa/build') })
  const pair = { cert: svid.cert + readFileSync(workload.ca, 'utf8'), key: svid.key }
  assert.equal((await get(spiffe, PRIVATE, { with: pair })).status, 200)
})

test('a certificate that proves nobody is refused in words, for public modules too, and the connection lives on', async (t) => {
  const { clients, spiffe, corp, other, workloads, files, reload } = await site(t)
  const GOOD = { subject: '/O=Corp/OU=ci/CN=build-1' }
  const san = (name: string, more = FOR_CLIENTS): { extensions: string } => ({
    extensions: `${more}\nsubjectAltName=${name}`,
  })
  const svid = 'URI:spiffe://corp.example/ns/ci/sa/build'
  const revoked = corp.issue('revoked', GOOD)
  corp.revoke(revoked)
  corp.writeCrl(files.crl)
  await reload()
  // A name of subjectAltName with a byte in it that ends strings elsewhere: a.ci.corp.example\0.evil
  const nul = Buffer.from('a.ci.corp.example\0.evil')
  const der = Buffer.concat([Buffer.from([0x30, nul.length + 2, 0x82, nul.length]), nul]).toString('hex')
  const nulUri = Buffer.from('spiffe://corp.example/ns/ci/sa/build\0x')
  const derUri = Buffer.concat([
    Buffer.from([0x30, nulUri.length + 2, 0x86, nulUri.length]),
    nulUri,
  ]).toString('hex')
  const rows: [title: string, port: number, pair: Issued, refusal: RegExp][] = [
    ['another authority', clients, other.issue('a', GOOD), /issued by nobody whom/],
    ['the authority of workloads', clients, workloads.issue('a', GOOD), /issued by nobody whom/],
    ['ended', clients, corp.issue('b', { ...GOOD, ...LONG_AGO }), /has ended/],
    [
      'of another authority, and ended',
      clients,
      other.issue('b', { ...GOOD, ...LONG_AGO }),
      /the client certificate/,
    ],
    [
      'begins later',
      clients,
      corp.issue('c', { ...GOOD, start: '400101000000Z', end: '410101000000Z' }),
      /not valid yet/,
    ],
    ['revoked', clients, revoked, /was revoked/],
    [
      'for servers',
      clients,
      corp.issue('d', { ...GOOD, extensions: 'extendedKeyUsage=serverAuth' }),
      /not one for clients/,
    ],
    [
      'an authority itself',
      clients,
      corp.issue('e', { ...GOOD, extensions: `${FOR_CLIENTS}\nbasicConstraints=CA:TRUE` }),
      /that of an authority/,
    ],
    ['another CN', clients, corp.issue('f', { subject: '/O=Corp/OU=ci/CN=deploy-1' }), /fits no rule/],
    ['an attribute less', clients, corp.issue('g', { subject: '/O=Corp/CN=build-1' }), /fits no rule/],
    ['two CNs', clients, corp.issue('h', { subject: '/O=Corp/OU=ci/CN=build-1/CN=evil' }), /fits no rule/],
    ['two in one', clients, corp.issue('i', { subject: '/O=Corp/OU=ci/CN=build-1+CN=evil' }), /fits no rule/],
    [
      'attributes within a value',
      clients,
      corp.issue('j', { subject: '/CN=build-1, OU=ci, O=Corp' }),
      /fits no rule/,
    ],
    [
      'lines within a value',
      clients,
      corp.issue('k', { subject: '/CN=build-1\nOU=ci\nO=Corp' }),
      /fits no rule/,
    ],
    [
      'a line break where a star is',
      clients,
      corp.issue('l', { subject: '/O=Corp/OU=ci/CN=build-1\nX' }),
      /fits no rule/,
    ],
    [
      'a star where a star is',
      clients,
      corp.issue('m', { subject: '/O=Corp/OU=ci/CN=build-*' }),
      /fits no rule/,
    ],
    [
      'a name that nobody can have',
      clients,
      corp.issue('n', { subject: '/CN=any a b' }),
      /characters that no name may have/,
    ],
    [
      'a name with a colon',
      clients,
      corp.issue('o', { subject: '/CN=any group:x' }),
      /characters that no name may have/,
    ],
    ['a wildcard host', clients, corp.issue('p', san('DNS:*.ci.corp.example')), /fits no rule/],
    ['a label more', clients, corp.issue('q', san('DNS:a.b.ci.corp.example')), /fits no rule/],
    [
      'a host as a prefix',
      clients,
      corp.issue('r', san('DNS:a.ci.corp.example.evil.example')),
      /fits no rule/,
    ],
    [
      'a NUL within a host',
      clients,
      corp.issue('s', { extensions: `${FOR_CLIENTS}\n2.5.29.17=DER:${der}` }),
      /fits no rule|cannot be read/,
    ],
    [
      'a host within a host',
      clients,
      corp.issue('t', {
        extensions: `${FOR_CLIENTS}\nsubjectAltName=@n\n[n]\nDNS.1="x, DNS:a.ci.corp.example"`,
      }),
      /fits no rule/,
    ],
    ['a host in the subject', clients, corp.issue('u', { subject: '/CN=a.ci.corp.example' }), /fits no rule/],
    [
      'an address of another host',
      clients,
      corp.issue('v', san('email:alice@corp.example@evil.example')),
      /fits no rule/,
    ],
    [
      'a user who is gone',
      clients,
      corp.issue('gone', san('email:mallory@corp.example')),
      /no user of the directory any more/,
    ],
    ['an address in a URI', clients, corp.issue('w', san('URI:mailto:alice@corp.example')), /fits no rule/],
    [
      'a SPIFFE id of the wrong authority',
      clients,
      corp.issue('x', san(svid)),
      /not the address for its trust domain/,
    ],
    [
      'a SPIFFE id of nobody’s',
      clients,
      corp.issue('y', san('URI:SPIFFE://x')),
      /not the address for its trust domain/,
    ],
    ['no SPIFFE id', spiffe, workloads.issue('a', GOOD), /no SPIFFE id/],
    [
      'two SPIFFE ids',
      spiffe,
      workloads.issue('b', san(`${svid},URI:spiffe://corp.example/b`)),
      /more than one URI/,
    ],
    [
      'a URI besides',
      spiffe,
      workloads.issue('c', san(`${svid},URI:https://corp.example`)),
      /more than one URI/,
    ],
    [
      'another trust domain',
      spiffe,
      workloads.issue('d', san('URI:spiffe://other.example/ns/ci/sa/build')),
      /no SPIFFE id of a workload of corp\.example/,
    ],
    ['a query', spiffe, workloads.issue('e', san(`${svid}?x`)), /no SPIFFE id of a workload/],
    [
      'a NUL after the id',
      spiffe,
      workloads.issue('f', { extensions: `${FOR_CLIENTS}\n2.5.29.17=DER:${derUri}` }),
      /no SPIFFE id|cannot be read/,
    ],
    [
      'an authority of the trust domain',
      spiffe,
      workloads.issue('g', san(svid, `${FOR_CLIENTS}\nbasicConstraints=CA:TRUE`)),
      /that of an authority/,
    ],
    ['the right id of another authority', spiffe, corp.issue('z', san(svid)), /issued by nobody whom/],
    [
      'a host where ids count',
      spiffe,
      workloads.issue('h', san(`DNS:a.ci.corp.example,URI:spiffe://corp.example/x`)),
      /fits no rule/,
    ],
  ]
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  for (const [title, port, pair, refusal] of rows)
    for (const path of [PRIVATE, PUBLIC]) {
      const { status, text } = await get(port, path, { with: pair, agent })
      assert.equal(status, 401, `${title}: ${text}`)
      assert.match(text, refusal, title)
      assert.ok(text.split('\n').length <= 8 && !/evil|build-1|deploy/.test(text), title)
      assert.equal((await get(port, '/healthz', { with: pair, agent })).status, 200, title)
    }
})

test('nobody is asked at the main address, and without a certificate the others are as it is', async (t) => {
  const { main, clients, corp } = await site(t)
  const handshake = async (port: number): Promise<string> => {
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    child.stdin.end()
    return Buffer.concat(await child.stdout.toArray()).toString()
  }
  const asked = /Acceptable client certificate CA names|Client Certificate Types/
  assert.match(await handshake(main), /No client certificate CA names sent/)
  assert.doesNotMatch(await handshake(main), asked)
  assert.match(await handshake(clients), asked)
  for (const port of [main, clients]) {
    assert.equal((await get(port, PUBLIC)).status, 200)
    assert.equal((await get(port, PRIVATE)).status, 401)
    assert.equal((await get(port, PRIVATE, { headers: { authorization: `Bearer ${SECRET}` } })).status, 200)
  }
  // What is shown unasked does not count.
  const pair = corp.issue('a', { subject: '/O=Corp/OU=ci/CN=build-1' })
  assert.equal((await get(main, PRIVATE, { with: pair })).status, 401)
})

test('headers say who is asking, whatever the connection proves, request by request', async (t) => {
  const { clients, corp, other } = await site(t)
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const good = corp.issue('a', { subject: '/O=Corp/OU=ci/CN=build-1' })
  const bad = other.issue('b')
  const token = { authorization: `Bearer ${SECRET}` }
  const rows: [pair: Issued, headers: Record<string, string>, status: number][] = [
    [good, {}, 200],
    [good, token, 200],
    [good, { authorization: 'Bearer wrong' }, 401],
    [good, { authorization: '' }, 401],
    [good, {}, 200],
    // A page of another site makes the browser of somebody with a certificate send something.
    [good, { origin: 'https://evil.example' }, 401],
    [good, { origin: 'https://evil.example', ...token }, 200],
    [bad, {}, 401],
    [bad, token, 200],
    [bad, {}, 401],
  ]
  for (let i = 0; i < 2; i++)
    for (const [pair, headers, status] of rows)
      assert.equal(
        (await get(clients, PRIVATE, { with: pair, headers, agent })).status,
        status,
        JSON.stringify(headers),
      )
})

test('a connection outlives neither its certificate, nor what it was verified with', async (t) => {
  const { clients, corp, files, reload } = await site(t)
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const end = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000)
  const stamp = end.toISOString().replaceAll(/^20|[-:T]|\.\d+/g, '')
  const brief = corp.issue('a', { subject: '/O=Corp/OU=ci/CN=build-1', start: '200101000000Z', end: stamp })
  const first = await get(clients, PRIVATE, { with: brief, agent })
  assert.equal(first.status, 200)
  while (Date.now() <= end.getTime()) await wait(100)
  const late = await get(clients, PRIVATE, { with: brief, agent })
  assert.equal(late.socket, first.socket, 'the connection is the same')
  assert.deepEqual([late.status, /certificate of the connection has ended/.test(late.text)], [401, true])

  const good = corp.issue('b', { subject: '/O=Corp/OU=ci/CN=build-1' })
  const before = await get(clients, PRIVATE, { with: good, agent })
  assert.equal(before.status, 200)
  assert.equal((await get(clients, PRIVATE, { with: good, agent })).socket, before.socket)
  const drawnOut = tls.connect({ port: clients, host: '127.0.0.1', rejectUnauthorized: false, ...good })
  await once(drawnOut, 'secureConnect')
  drawnOut.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n')
  // Accepted with the list of today, and its handshake is still to come.
  const early = net.connect(clients, '127.0.0.1')
  await once(early, 'connect')
  assert.equal((await get(clients, '/healthz')).status, 200)
  corp.revoke(good)
  corp.writeCrl(files.crl)
  await reload()
  const drawnIn = tls.connect({ socket: early, rejectUnauthorized: false, ...good })
  drawnIn.on('error', () => undefined)
  drawnIn.write(`GET ${PRIVATE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  assert.equal(Buffer.concat(await drawnIn.toArray().catch(() => [])).toString(), '')
  // A request that was half sent ends without an answer.
  drawnOut.on('error', () => undefined)
  drawnOut.write('\r\n')
  assert.equal(Buffer.concat(await drawnOut.toArray().catch(() => [])).toString(), '')
  const after = await get(clients, PRIVATE, { with: good, agent })
  assert.notEqual(after.socket, before.socket)
  assert.deepEqual([after.status, /was revoked/.test(after.text)], [401, true])

  corp.writeCrl(files.crl, '200101000000Z')
  await reload()
  const ended = await get(clients, PRIVATE, { with: corp.issue('c') })
  assert.deepEqual([ended.status, /cannot be compared with a current list/.test(ended.text)], [401, true])
  const ready = await get(clients, '/readyz')
  assert.match(
    ready.text,
    /^ready\n(?:warning: .*\n)*warning: a list of revoked client certificates has ended at 2020-01-01T/,
  )
})

test('no session is taken up again, which would bring an old verdict along', async (t) => {
  const { clients, corp } = await site(t)
  const good = corp.issue('a', { subject: '/O=Corp/OU=ci/CN=build-1' })
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const open = (session?: Buffer) =>
      tls.connect({
        port: clients,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        maxVersion,
        ...good,
        ...(session && { session }),
      })
    const one = open()
    let session: Buffer | undefined
    one.on('session', (given: Buffer) => (session = given))
    await once(one, 'secureConnect')
    one.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await one.toArray()
    session ??= one.getSession()
    const two = open(session)
    await once(two, 'secureConnect')
    assert.equal(two.isSessionReused(), false, maxVersion)
    two.destroy()
  }
})
