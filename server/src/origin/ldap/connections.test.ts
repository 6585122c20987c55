import assert from 'node:assert/strict'
import { createSecureContext } from 'node:tls'
import { test } from 'node:test'
import { createTestObserver } from '../../observe/test-support.ts'
import { createConnections } from './connections.ts'
import { changeOf, noSlapd, SERVICE, startSlapd } from './test-slapd.ts'

const skip = noSlapd()

test(
  'an account that searches and is refused is not tried again for a while: it would be locked',
  { skip },
  async (t) => {
    const slapd = await startSlapd(t)
    const clock = { now: 0 }
    const { log, lines } = createTestObserver()
    const servers = [{ url: 'ldap://x', host: '127.0.0.1', port: slapd.port, security: 'none' }] as const
    const connections = createConnections({
      config: { servers, bind: { dn: SERVICE.dn, password: 'of-tomorrow' }, timeout: 2_000, connections: 2 },
      trust: () => createSecureContext(),
      log,
      now: () => clock.now,
    })
    t.after(() => connections.close())
    const search = () =>
      connections.search(
        'in a test',
        async ({ client }) => (await client.search(SERVICE.dn, { scope: 'base' })).searchEntries,
        new AbortController().signal,
      )
    await assert.rejects(search(), /refuses the bindDn/)
    await slapd.change(changeOf(SERVICE.dn, 'replace', 'userPassword', 'of-tomorrow'))
    clock.now += 29_000
    await assert.rejects(search(), /refuses the bindDn/)
    clock.now += 2_000
    assert.equal((await search()).length, 1)
    // More at once than there are connections: in turns, and whoever gives up while waiting has no turn.
    const gone = new AbortController()
    const all = Array.from({ length: 20 }, search)
    const given = connections.search('in a test', async () => assert.fail('it was given up'), gone.signal)
    gone.abort()
    await assert.rejects(given, { code: 'aborted' })
    for (const entries of await Promise.all(all)) assert.equal(entries.length, 1)
    assert.equal(lines.length, 1)
    assert.ok(!JSON.stringify(lines).includes('of-tomorrow'))
  },
)
