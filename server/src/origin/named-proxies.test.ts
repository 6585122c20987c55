import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Origin, ZipSource } from '../proxy/origin.ts'
import { createNamedProxies } from './named-proxies.ts'
import { asked, collect, MODULE, VERSION } from './test-origin.ts'

/** Proxies that answer at once; and which of them are open. */
function fixture(zip: () => Promise<ZipSource> = () => Promise.reject(new Error('none'))) {
  const open: string[] = []
  const named = createNamedProxies(({ href }): Origin => {
    open.push(href)
    return {
      name: href,
      speculative: false,
      versions: async () => ({ versions: [] }),
      resolve: () => Promise.reject(new Error('none')),
      goMod: () => Promise.reject(new Error('none')),
      zip,
      close: async () => void open.splice(open.indexOf(href), 1),
    }
  })
  return { open, named }
}

const urlOf = (number: number): URL => new URL(`https://evil.test/${number}`)

test('however many are named, only some are open', async () => {
  const { named, open } = fixture()
  for (let number = 0; number < 100; number++) await named.at(urlOf(number)).versions(MODULE, asked())
  assert.equal(open.length, 16)
  assert.equal(open.at(-1), 'https://evil.test/99')
  await named.close()
  assert.deepEqual(open, [])
})

test('the one in use stays until its zip has been read, or given up', async () => {
  const zip = async (): Promise<ZipSource> => ({
    chunks: (async function* () {
      yield Buffer.from('zip')
    })(),
  })
  const { named, open } = fixture(zip)
  const leaving = new AbortController()
  const first = await named.at(urlOf(-1)).zip(MODULE, VERSION, asked())
  await named.at(urlOf(-2)).zip(MODULE, VERSION, { ...asked(), signal: leaving.signal })
  for (let number = 0; number < 20; number++) await named.at(urlOf(number)).versions(MODULE, asked())
  assert.equal(open.length, 18)
  assert.equal((await collect(first.chunks)).toString(), 'zip')
  leaving.abort()
  assert.equal(open.length, 16)
  assert.ok(!open.includes(urlOf(-1).href) && !open.includes(urlOf(-2).href))
  await named.close()
})
