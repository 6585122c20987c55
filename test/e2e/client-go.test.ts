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

  // `go test` looks at the code for this system by itself; macOS has the same files, and Windows has its own.
  test('vet for windows', async (t) => {
    const go = await createGoHome({ proxy: 'off' })
    t.after(() => go.close())
    const env = { GOOS: 'windows', GOARCH: 'amd64', CGO_ENABLED: '0' }
    const { code, stderr } = await go.run(['vet', './...'], { cwd: CLIENT, env })
    assert.equal(code, 0, stderr)
  })
})
