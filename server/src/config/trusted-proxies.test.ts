import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from './load.fixture.ts'
import { formatConfig } from './show.ts'

test('addresses, networks and Unix sockets that are trusted, and the header', async () => {
  assert.equal((await load({ yaml: '' })).config.trustedProxies, undefined)
  const yaml = 'trustedProxies: [10.0.0.0/8, ::1, "fd00::/8", 192.0.2.1, unix]\nforwardedHeader: forwarded\n'
  const { config, warnings } = await load({ yaml })
  assert.deepEqual(warnings, [])
  assert.deepEqual(config.trustedProxies, {
    networks: [
      { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
      { address: '::1', prefix: 128, family: 'ipv6' },
      { address: 'fd00::', prefix: 8, family: 'ipv6' },
      { address: '192.0.2.1', prefix: 32, family: 'ipv4' },
    ],
    unix: true,
    header: 'forwarded',
    forwardedHost: false,
  })
  const again = await load({ yaml: formatConfig(config) })
  assert.deepEqual(again.config.trustedProxies, config.trustedProxies)
})

test('mistakes, and what is most likely one', async () => {
  for (const entry of ['10.0.0.0/33', '10.0/8', 'localhost', '10.0.0.1:80', '::1/129', '10.0.0.0/'])
    assert.match(
      (await problemsOf({ yaml: `trustedProxies: "${entry}"` })).join('\n'),
      /trustedProxies\[0\]: expected an address, a network such as 10\.0\.0\.0\/8 or "unix", found/,
    )
  const warned = async (yaml: string) => (await load({ yaml })).warnings.join('\n')
  assert.match(await warned('trustedProxies: 0.0.0.0/0'), /can claim any address/)
  assert.match(await warned('forwardedHeader: forwarded'), /without trustedProxies/)
  assert.match(
    (await problemsOf({ yaml: 'forwardedHost: true' })).join('\n'),
    /forwardedHost: needs trustedProxies/,
  )
  assert.match(
    await warned('trustedProxies: unix\nforwardedHeader: forwarded\nforwardedHost: true'),
    /forwardedHost does nothing/,
  )
  const { config } = await load({ yaml: 'trustedProxies: unix\nforwardedHost: true' })
  assert.equal(config.trustedProxies?.forwardedHost, true)
  assert.deepEqual((await load({ yaml: formatConfig(config) })).config.trustedProxies, config.trustedProxies)
})

test('who names the reverse proxy is not warned that wrong passwords close it', async () => {
  const yaml = 'publicUrl: https://go.corp.example\naccess: { htpasswd: users }\ntrustedProxies: 10.0.0.1\n'
  assert.deepEqual((await load({ yaml, files: { '/site/users': '' } })).warnings, [])
})
