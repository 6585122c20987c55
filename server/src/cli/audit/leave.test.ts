import assert from 'node:assert/strict'
import { chown, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Config } from '../../config/config.ts'
import { temporaryFolder } from '../../observe/test-support.ts'
import { recordAct } from './leave.ts'

async function leave(folder: string): Promise<string> {
  let stderr = ''
  const context = { user: 'gopher', stderr: { write: (text: string) => (stderr += text) } }
  const audit = { folder } as NonNullable<Config['audit']>
  await recordAct({ audit }, context, { action: 'user.set', detail: 'user:alice' })
  return stderr
}

test('what root does is left for the user that the server runs as', async (t) => {
  const folder = await temporaryFolder(t)
  const inbox = join(folder, 'inbox')
  await mkdir(inbox)
  const owner = process.getuid?.() === 0 ? 1234 : process.getuid?.()
  if (owner === 1234) await chown(inbox, owner, owner)
  assert.equal(await leave(folder), '')
  const [name = ''] = await readdir(inbox)
  const { uid, mode } = await stat(join(inbox, name))
  assert.deepEqual([uid, mode & 0o777], [owner ?? 0, 0o600])
})

test('a log that no server has begun is not begun', async (t) => {
  const folder = await temporaryFolder(t)
  assert.match(await leave(join(folder, 'audit')), /begins with the first start of the server/)
  assert.deepEqual(await readdir(folder), [])
})
