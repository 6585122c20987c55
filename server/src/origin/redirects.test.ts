import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { asked, failsWith, MODULE, testOrigin, collect, VERSION } from './test-origin.ts'
import { makeCertificates, type TestCertificates } from './test-certificates.ts'
import { respond, startTestUpstream } from './test-upstream.ts'

let certificates: TestCertificates
before(() => {
  certificates = makeCertificates()
})
after(() => certificates.remove())

const toLoopback = async (): Promise<{ address: string; family: number }[]> => [
  { address: '127.0.0.1', family: 4 },
]

for (const status of [301, 302, 303, 307, 308]) {
  test(`${status} is followed, relative or absolute`, async () => {
    const upstream = await startTestUpstream(({ path }, socket) => {
      if (path.endsWith('/list'))
        return respond(socket, status, '', { location: '../moved?token=a%20b#part' })
      if (path.startsWith('/base/example.com/%21mod/moved'))
        return respond(socket, status, '', { location: `${upstream.url}/there` })
      respond(socket, 200, 'v1.0.0\n')
    })
    const origin = testOrigin(`${upstream.url}/base/`)
    assert.deepEqual(await origin.versions(MODULE, asked()), { versions: [{ version: 'v1.0.0' }] })
    assert.deepEqual(
      upstream.seen.map(({ path }) => path),
      ['/base/example.com/%21mod/@v/list', '/base/example.com/%21mod/moved?token=a%20b', '/there'],
    )
    assert.equal(upstream.peak(), 1, 'one connection carries the whole chain')
    await origin.close()
    await upstream.close()
  })
}

test('ten redirects are followed, an eleventh is not', async () => {
  let last = 10
  const upstream = await startTestUpstream(({ number }, socket) =>
    number > last ? respond(socket, 200, 'PK') : respond(socket, 302, '', { location: `/${number}` }),
  )
  const origin = testOrigin(upstream.url)
  const { chunks } = await origin.zip(MODULE, VERSION, asked())
  assert.equal((await collect(chunks)).toString(), 'PK')
  last = 100
  await failsWith(origin.zip(MODULE, VERSION, asked()), 'upstream_invalid', /redirected more than 10 times$/)
  assert.equal(upstream.seen.length, 11 + 11)
  await origin.close()
  await upstream.close()
})

test('redirects in circles end', async () => {
  const upstream = await startTestUpstream(({ path }, socket) => respond(socket, 302, '', { location: path }))
  const origin = testOrigin(upstream.url)
  await failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', /redirected more than 10 times$/)
  assert.equal(upstream.seen.length, 11)
  await origin.close()
  await upstream.close()
})

test('redirects that lead nowhere', async () => {
  const table: { headers: Record<string, string>; says: RegExp }[] = [
    { headers: {}, says: /redirected without saying where to$/ },
    { headers: { location: 'https://' }, says: /not an http or https URL$/ },
    { headers: { location: 'file:///etc/passwd' }, says: /not an http or https URL$/ },
    { headers: { location: 'gopher://example.com/' }, says: /not an http or https URL$/ },
  ]
  for (const { headers, says } of table) {
    const upstream = await startTestUpstream((_request, socket) => respond(socket, 302, '', headers))
    const origin = testOrigin(upstream.url)
    await failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', says)
    assert.equal(upstream.seen.length, 1)
    await origin.close()
    await upstream.close()
  }
})

test('https to http is refused', async () => {
  const plain = await startTestUpstream((_request, socket) => respond(socket, 200, 'v1.0.0\n'))
  const secure = await startTestUpstream(
    (_request, socket) => respond(socket, 302, '', { location: `${plain.url}/list` }),
    certificates.server,
  )
  const origin = testOrigin(secure.url, { ca: certificates.ca })
  await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_invalid',
    /redirected from https to plain http, which is not followed$/,
  )
  assert.equal(plain.seen.length, 0)
  await origin.close()
  await secure.close()
  await plain.close()
})

test('Authorization goes to the configured host and port only', async () => {
  const other = await startTestUpstream(
    (_request, socket) => respond(socket, 200, 'v1.0.0\n'),
    certificates.server,
  )
  const own = await startTestUpstream(({ path }, socket) => {
    if (path.endsWith('/list')) return respond(socket, 302, '', { location: '/same-host' })
    respond(socket, 302, '', { location: `https://me:too@mirror.test:${other.port}/elsewhere` })
  }, certificates.server)
  const origin = testOrigin(
    `https://mirror.test:${own.port}`,
    { ca: certificates.ca, credentials: { kind: 'bearer', token: 'secret' } },
    { lookup: toLoopback },
  )
  await origin.versions(MODULE, asked())
  assert.deepEqual(
    own.seen.map(({ headers }) => headers['authorization']),
    ['Bearer secret', 'Bearer secret'],
  )
  assert.deepEqual(
    other.seen.map(({ headers }) => headers['authorization']),
    [undefined],
  )
  await origin.close()
  await own.close()
  await other.close()
})

test('a redirect leads to this machine only from this machine', async () => {
  const inside = await startTestUpstream((_request, socket) => respond(socket, 200, 'v1.0.0\n'))
  const upstream = await startTestUpstream(({ path }, socket) =>
    path.endsWith('/list')
      ? respond(socket, 302, '', { location: `${inside.url}/list` })
      : respond(socket, 302, '', { location: 'http://metadata.test/latest/meta-data' }),
  )
  const lookups: string[] = []
  const lookup = async (name: string): Promise<{ address: string; family: number }[]> => {
    lookups.push(name)
    return [
      { address: name === 'metadata.test' ? '169.254.169.254' : '127.0.0.1', family: 4 },
      {
        address: name === 'metadata.test' ? 'fd00::1' : '127.0.0.1',
        family: name === 'metadata.test' ? 6 : 4,
      },
    ]
  }
  const origin = testOrigin(`http://upstream.test:${upstream.port}`, {}, { lookup })
  assert.deepEqual(await origin.versions(MODULE, asked()), { versions: [{ version: 'v1.0.0' }] })
  const error = await failsWith(
    origin.goMod(MODULE, VERSION, asked()),
    'upstream_invalid',
    /^metadata\.test \(origin public\) has no public address, and is not configured$/,
  )
  assert.match(error.next ?? '', /configure it as an origin/)
  assert.deepEqual(lookups, ['upstream.test', 'metadata.test'])
  await origin.close()
  await upstream.close()
  await inside.close()
})

test('a host that the configuration names may have any address', async () => {
  const other = await startTestUpstream((_request, socket) => respond(socket, 200, 'v1.0.0\n'))
  const upstream = await startTestUpstream((_request, socket) =>
    respond(socket, 302, '', { location: `http://other.test:${other.port}/list` }),
  )
  const configuredHosts = new Set([`other.test:${other.port}`])
  const origin = testOrigin(upstream.url, {}, { lookup: toLoopback, configuredHosts })
  assert.deepEqual(await origin.versions(MODULE, asked()), { versions: [{ version: 'v1.0.0' }] })
  await origin.close()
  await upstream.close()
  await other.close()
})
