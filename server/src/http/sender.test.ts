import assert from 'node:assert/strict'
import http from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Sender } from '../access/access.ts'
import { accessOfTokens } from '../access/access-of-tokens.ts'
import type { TrustedProxies } from '../config/config.ts'
import { temporaryFolder } from '../observe/test-support.ts'
import { ask, bytesAnswer, startServer } from './http.fixture.ts'

const LOOPBACK: TrustedProxies = {
  networks: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }],
  unix: false,
  header: 'x-forwarded-for',
  forwardedHost: true,
}
const CLAIM = {
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-host': 'go.corp.example',
  'x-forwarded-proto': 'https',
}
const PATH = '/example.com/mod/@v/v1.0.0.info'

/** An access that writes down from where it is asked. */
function noting() {
  const seen: string[] = []
  const access = accessOfTokens([])
  const require: typeof access.require = async (sender: Sender, permission, module) => {
    seen.push(sender.address)
    return access.require(sender, permission, module)
  }
  return { seen, access: { ...access, require } }
}

test('a header from anybody but a trusted proxy means nothing', async (t) => {
  for (const trustedProxies of [
    undefined,
    { ...LOOPBACK, networks: [{ ...LOOPBACK.networks[0]!, address: '10.0.0.0' }], unix: true },
  ]) {
    const { seen, access } = noting()
    const { port, proxy } = await startServer(t, {
      access,
      config: { ...(trustedProxies && { trustedProxies }) },
    })
    proxy.answers.set(PATH, () => bytesAnswer('{}'))
    await ask(port, PATH, { headers: CLAIM })
    assert.deepEqual(seen, ['127.0.0.1'])
    const home = await ask(port, '/', { headers: { ...CLAIM, accept: 'text/plain', host: 'asked.example' } })
    assert.match(home.text, /http:\/\/asked\.example/)
    assert.doesNotMatch(home.text, /go\.corp\.example/)
  }
})

test('a trusted proxy tells clients apart, and the address they asked for, on one connection', async (t) => {
  const { seen, access } = noting()
  const { port, proxy } = await startServer(t, { access, config: { trustedProxies: LOOPBACK, memory: 0 } })
  proxy.answers.set(PATH, () => bytesAnswer('{}'))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const from = (chain: string) => ask(port, PATH, { agent, headers: { 'x-forwarded-for': chain } })
  await from('192.0.2.1')
  await from('192.0.2.2')
  await from('203.0.113.1, 192.0.2.3')
  await from('203.0.113.1, what')
  assert.deepEqual(seen, ['192.0.2.1', '192.0.2.2', '192.0.2.3', '127.0.0.1'])
  const home = await ask(port, '/', { headers: { ...CLAIM, accept: 'text/plain' } })
  assert.match(home.text, /https:\/\/go\.corp\.example/)
  const odd = await ask(port, '/', {
    headers: {
      ...CLAIM,
      'x-forwarded-host': 'a"onload="b',
      'x-forwarded-proto': 'javascript',
      accept: 'text/html',
    },
  })
  assert.doesNotMatch(odd.text, /onload|javascript:/)
})

test('host and scheme of a proxy that does not overwrite them are the client’s words, and mean nothing', async (t) => {
  const { port } = await startServer(t, { config: { trustedProxies: { ...LOOPBACK, forwardedHost: false } } })
  const home = await ask(port, '/', { headers: { ...CLAIM, accept: 'text/plain', host: 'asked.example' } })
  assert.match(home.text, /http:\/\/asked\.example/)
  assert.doesNotMatch(home.text, /go\.corp\.example/)
})

test('a Unix socket is trusted where that is said', async (t) => {
  const socket = join(await temporaryFolder(t), 's')
  for (const unix of [true, false]) {
    const { seen, access } = noting()
    const { server, proxy } = await startServer(t, {
      access,
      config: { listen: [{ socket }], trustedProxies: { ...LOOPBACK, networks: [], unix } },
    })
    proxy.answers.set(PATH, () => bytesAnswer('{}'))
    await new Promise<void>((resolve, reject) => {
      const request = http.get({ socketPath: socket, path: PATH, headers: CLAIM, agent: false }, (response) =>
        response.resume().once('end', resolve),
      )
      request.once('error', reject)
    })
    assert.deepEqual(seen, [unix ? '192.0.2.7' : 'unix'])
    await server.stop(0)
  }
})

test('a client behind proxies is the same over all connections, so that it is known what it asks for next', async (t) => {
  const { port, proxy } = await startServer(t, { config: { trustedProxies: LOOPBACK } })
  const seen: object[] = []
  proxy.answers.set(PATH, (_, { client }) => {
    seen.push(client)
    return bytesAnswer('{}', { given: (client) => void seen.push(client) })
  })
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1'])
    await ask(port, PATH, { headers: { 'x-forwarded-for': address } })
  assert.equal(seen.length, 3)
  assert.equal(seen[0], seen[2])
  assert.notEqual(seen[0], seen[1])
})
