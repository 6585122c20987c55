import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { askModule } from './ask-module.ts'
import { load } from './config/load.fixture.ts'
import { proxyOriginAt } from './config/origins.ts'
import { createTestObserver, temporaryFolder } from './observe/test-support.ts'

test('a configuration that cannot be used leaves no folder behind', async (t) => {
  const place = await temporaryFolder(t)
  const before = process.env['TMPDIR']
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  process.env['TMPDIR'] = place
  const { config } = await load({})
  const origins = new Map([['one', { ...proxyOriginAt('https://one.example'), ca: '/nonexistent.pem' }]])
  const options = {
    config: { ...config, origins },
    observer: createTestObserver(),
    env: {},
    module: checkPath('one.example/x'),
  }
  await assert.rejects(askModule(options), { code: 'config_invalid' })
  assert.deepEqual(await readdir(place), [])
})
