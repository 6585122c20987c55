import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { after, before, test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { readProxyEnvironment } from './proxy-environment.ts'
import { makeCertificates, type TestCertificates } from './test-certificates.ts'
import { eventually } from '../observe/test-support.ts'
import { asked, collect, failsWith, MODULE, testOrigin, VERSION } from './test-origin.ts'
import { listen, respond, startTestUpstream } from './test-upstream.ts'

let certificates: TestCertificates
before(() => {
  certificates = makeCertificates()
})
after(() => certificates.remove())

interface TestProxy {
  url: string
  /** First lines of the requests, with the proxy's credentials where they came. */
  seen: string[]
  close(): Promise<void>
}

/** An HTTP proxy that tunnels to `port` of this machine, whatever host it is asked for, or answers `status`. */
async function startProxy(options: { port: number; status?: number; tls?: boolean }): Promise<TestProxy> {
  const seen: string[] = []
  const sockets = new Set<Socket>()
  const serve = (socket: Socket): void => {
    sockets.add(socket.on('error', () => socket.destroy()))
    socket.once('data', (chunk) => {
      const head = chunk.toString()
      const login = /^proxy-authorization: (.*)\r$/im.exec(head)?.[1]
      seen.push([head.split('\r\n', 1)[0], login].filter(Boolean).join(' | '))
      if (options.status !== undefined)
        return void socket.write(`HTTP/1.1 ${options.status} No\r\nContent-Length: 0\r\n\r\n`)
      const upstream = connect(options.port, '127.0.0.1', () => {
        if (head.startsWith('CONNECT ')) socket.write('HTTP/1.1 200 Established\r\n\r\n')
        else upstream.write(chunk)
        socket.pipe(upstream).pipe(socket)
      })
      sockets.add(upstream.on('error', () => socket.destroy()))
      socket.on('close', () => upstream.destroy())
    })
  }
  const server = options.tls === true ? createTlsServer(certificates.server, serve) : createServer(serve)
  await listen(server)
  const scheme = options.tls === true ? 'https' : 'http'
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

test('https through a tunnel, http by whole URLs, connections used again', async () => {
  for (const tls of [false, true]) {
    const upstream = await startTestUpstream(
      (_request, socket) => respond(socket, 200, 'v1.0.0\n'),
      certificates.server,
    )
    const plain = await startTestUpstream((_request, socket) => respond(socket, 200, 'v1.0.0\n'))
    const tunnel = await startProxy({ port: upstream.port, tls })
    const relay = await startProxy({ port: plain.port, tls })
    const proxies = readProxyEnvironment({
      HTTPS_PROXY: tunnel.url.replace('//', '//us%40er:pw@'),
      HTTP_PROXY: relay.url,
    })
    const secure = testOrigin('https://mirror.test', { ca: certificates.ca }, { proxies })
    await secure.versions(MODULE, asked())
    const { chunks } = await secure.zip(MODULE, VERSION, asked())
    assert.equal((await collect(chunks)).toString(), 'v1.0.0\n')
    const login = Buffer.from('us@er:pw').toString('base64')
    assert.deepEqual(tunnel.seen, [`CONNECT mirror.test:443 HTTP/1.1 | Basic ${login}`])
    assert.equal(upstream.seen[0]!.headers['host'], 'mirror.test')
    assert.equal(upstream.seen[0]!.headers['proxy-authorization'], undefined)
    const open = testOrigin('http://mirror.test:8080/base', { ca: certificates.ca }, { proxies })
    await open.versions(MODULE, asked())
    assert.deepEqual(relay.seen, ['GET http://mirror.test:8080/base/example.com/%21mod/@v/list HTTP/1.1'])
    assert.equal(plain.seen[0]!.headers['host'], 'mirror.test:8080')
    await Promise.all([secure.close(), open.close()])
    await eventually(() => upstream.open() === 0, 'the tunnel is closed')
    await Promise.all([tunnel.close(), relay.close(), upstream.close(), plain.close()])
  }
})

test('a proxy that refuses, hangs or is not there is named', async () => {
  const refusing = await startProxy({ port: 0, status: 407 })
  const origin = (HTTPS_PROXY: string, connect = 20_000) => {
    const proxies = readProxyEnvironment({ HTTPS_PROXY })
    return testOrigin('https://mirror.test', { tries: 1, timeouts: { connect } }, { proxies })
  }
  await failsWith(
    origin(refusing.url).versions(MODULE, asked()),
    'upstream_refused',
    /^the HTTP proxy 127\.0\.0\.1:\d+ on the way to mirror\.test \(origin public\) answered 407 when asked for a tunnel to mirror\.test$/,
  )
  await refusing.close()
  await failsWith(
    origin(refusing.url).versions(MODULE, asked()),
    'upstream_unreachable',
    /^the HTTP proxy .* refuses connections$/,
  )
  const hanging = await startTestUpstream(() => undefined)
  await failsWith(
    origin(hanging.url, 150).versions(MODULE, asked()),
    'upstream_timeout',
    /^the HTTP proxy .* within 150 ms \(opening a tunnel\)$/,
  )
  await eventually(() => hanging.open() === 0, 'the connection is closed')
  await hanging.close()
})

test('a redirect to an address of ours does not go through a proxy either', async () => {
  const upstream = await startTestUpstream(
    (_request, socket) => respond(socket, 302, '', { location: 'https://10.0.0.1/' }),
    certificates.server,
  )
  const proxy = await startProxy({ port: upstream.port })
  const origin = testOrigin(
    'https://mirror.test',
    { ca: certificates.ca },
    { proxies: readProxyEnvironment({ HTTPS_PROXY: proxy.url }) },
  )
  await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_invalid',
    /has no public address, and is not configured$/,
  )
  assert.deepEqual(proxy.seen, ['CONNECT mirror.test:443 HTTP/1.1'])
  await origin.close()
  await proxy.close()
  await upstream.close()
})

test('redirects that left this machine do not lead back to it', async () => {
  const inside = await startTestUpstream((_request, socket) => respond(socket, 200, 'v1.0.0\n'))
  const outside = await startTestUpstream((_request, socket) =>
    respond(socket, 302, '', { location: inside.url }),
  )
  const relay = await startProxy({ port: outside.port })
  const upstream = await startTestUpstream((_request, socket) =>
    respond(socket, 302, '', { location: 'http://public.test/' }),
  )
  const proxies = readProxyEnvironment({ HTTP_PROXY: relay.url })
  const origin = testOrigin(upstream.url, { tries: 1 }, { proxies })
  await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_invalid',
    /^127\.0\.0\.1:\d+ .* has no public address, and is not configured$/,
  )
  assert.equal(outside.seen.length, 1)
  assert.equal(inside.seen.length, 0)
  await origin.close()
  await Promise.all([relay.close(), upstream.close(), outside.close(), inside.close()])
})

test('which proxy is for which URL', () => {
  const env = { HTTP_PROXY: 'plain.corp:3128', https_proxy: 'http://secure.corp:3128' }
  const table: [noProxy: string | undefined, url: string, proxy: string | undefined][] = [
    [undefined, 'http://a.test/', 'plain.corp:3128'],
    [undefined, 'https://a.test/', 'secure.corp:3128'],
    [undefined, 'https://localhost:1/', undefined],
    [undefined, 'https://127.8.8.8/', undefined],
    [undefined, 'https://[::1]:80/', undefined],
    ['*', 'https://a.test/', undefined],
    ['a.test', 'https://a.test/', undefined],
    ['A.TEST ', 'https://a.test./', undefined],
    ['a.test', 'https://sub.a.test/', undefined],
    ['a.test', 'https://ba.test/', 'secure.corp:3128'],
    ['.a.test', 'https://sub.a.test/', undefined],
    ['.a.test', 'https://a.test/', 'secure.corp:3128'],
    ['*.a.test', 'https://sub.a.test/', undefined],
    ['*.a.test', 'https://a.test/', 'secure.corp:3128'],
    ['a.test:443', 'https://a.test/', undefined],
    ['a.test:80', 'https://a.test/', 'secure.corp:3128'],
    ['a.test:80', 'http://a.test/', undefined],
    ['x.test, a.test', 'https://a.test/', undefined],
    ['10.0.0.0/8', 'https://10.1.2.3/', undefined],
    ['10.0.0.0/8', 'https://11.1.2.3/', 'secure.corp:3128'],
    ['10.0.0.0/8', 'https://ten.test/', 'secure.corp:3128'],
    ['10.0.0.0/99', 'https://10.1.2.3/', 'secure.corp:3128'],
    ['fd00::/8', 'https://[fd00::1]/', undefined],
    ['192.0.2.1', 'https://192.0.2.1:8443/', undefined],
    ['192.0.2.1:443', 'https://192.0.2.1:8443/', 'secure.corp:3128'],
    ['[2001:db8::1]:443', 'https://[2001:db8:0::1]/', undefined],
    ['2001:db8::1', 'https://[2001:db8::1]:1/', undefined],
    [',,', 'https://a.test/', 'secure.corp:3128'],
  ]
  for (const [noProxy, url, proxy] of table) {
    const proxies = readProxyEnvironment(noProxy === undefined ? env : { ...env, NO_PROXY: noProxy })
    assert.equal(proxies.proxyFor(new URL(url))?.host, proxy, `${noProxy} for ${url}`)
  }
  assert.equal(readProxyEnvironment({}).proxyFor(new URL('https://a.test')), undefined)
  assert.equal(readProxyEnvironment({ HTTP_PROXY: 'x:1' }).proxyFor(new URL('https://a.test')), undefined)
})

test('what is no HTTP proxy is refused at the start, without showing it', () => {
  for (const value of ['socks5://secret@proxy:1080', 'http://:secret', '://secret']) {
    assert.throws(
      () => readProxyEnvironment({ HTTPS_PROXY: value }),
      (error) =>
        error instanceof ModsteadError &&
        error.code === 'config_invalid' &&
        !error.message.includes('secret'),
    )
  }
})
