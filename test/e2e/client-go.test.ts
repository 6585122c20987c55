// The laptop helper's own tests, and that it builds where people have laptops.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { suite, test } from 'node:test'
import { createGoHome } from '../support/go.ts'

const CLIENT = fileURLToPath(new URL('../../client/', import.meta.url))

suite('the laptop helper', () => {
  test('its tests', async (t) => {
    const go = await createGoHome({ proxy: 'off' })
    t.after(() => go.close())
    const { code, stdout, stderr } = await go.run(['test', '-count=1', './...'], { cwd: CLIENT })
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /^ok\s/)
  })

  for (const [GOOS, GOARCH] of [
    ['linux', 'amd64'],
    ['darwin', 'arm64'],
    ['windows', 'amd64'],
  ] as const)
    test(`vet for ${GOOS}`, async (t) => {
      const go = await createGoHome({ proxy: 'off' })
      t.after(() => go.close())
      const env = { GOOS, GOARCH, CGO_ENABLED: '0' }
      const { code, stderr } = await go.run(['vet', './...'], { cwd: CLIENT, env })
      assert.equal(code, 0, stderr)
    })
})
