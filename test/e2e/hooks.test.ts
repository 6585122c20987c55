// Push hooks, as a script sends them that was copied from the page about them.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { setStage } from '../support/stage.ts'

const run = promisify(execFile)
const SECRET = '8f14e45fceea167a5a36dedd4bea2543'

test('the script of docs/hooks.md is understood', async (t) => {
  const page = await readFile(new URL('../../docs/hooks.md', import.meta.url), 'utf8')
  const script = /```sh\n([^]*?)```/.exec(page)![1]!
  const config = /```yaml\n(hooks:\n {2}script:[^]*?)```/.exec(page)![1]!
  const { modstead } = await setStage(t, {
    checksums: false,
    modstead: { config, env: { HOOK_SECRET: SECRET, MODSTEAD_LOG_FORMAT: 'json' } },
  })
  const here = script.replace('https://go.corp.example', modstead.url)
  assert.notEqual(here, script)
  async function send(secret: string): Promise<string> {
    const env = { PATH: process.env.PATH ?? '', HOOK_SECRET: secret }
    const { stdout } = await run('sh', ['-c', `${here.trimEnd()} --silent || true`], { env })
    return stdout
  }
  assert.match(await send(SECRET), /^noted: /)
  await modstead.logged(/"hook":"script".*"refs":\["refs\/tags\/v1\.2\.3"\].*a push was reported/)
  assert.match(await send('another'), /^the signature is not one of the secret/)
  assert.ok(!modstead.logs().includes(SECRET))
})
