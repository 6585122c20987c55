import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../observe/test-support.ts'
import { failsWith } from '../../test-origin.ts'
import { createAuthorities } from './authorities.ts'

test('a bundle that could not be written is written when it can', async (t) => {
  const folder = join(await temporaryFolder(t), 'later')
  const authorities = createAuthorities(folder)
  await failsWith(authorities.bundle(undefined), 'store_unavailable', /^modstead could not write down/)
  await mkdir(folder)
  const bundle = await readFile(await authorities.bundle(undefined), 'utf8')
  assert.match(bundle, /BEGIN CERTIFICATE/)
})
