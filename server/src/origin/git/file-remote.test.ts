import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from '../../observe/test-support.ts'
import { failsWith } from '../test-origin.ts'
import { createFileRemote, writeServingConfig } from './file-remote.ts'
import { FLUSH, packet } from './packets.ts'
import type { Remote } from './remote.ts'
import { git, makeRepository, openRepository, streamOf } from './test-repository.ts'

const PATIENT = new AbortController().signal

async function remoteAt(folder: string, place: string): Promise<Remote> {
  const servingConfig = join(place, 'serving.config')
  await writeServingConfig(servingConfig)
  const url = pathToFileURL(folder)
  return createFileRemote({ key: url.href, url, servingConfig, deadline: 40_000, limit: 1 << 20 })
}

test('a folder that is no repository, or not there, has no modules', async (t) => {
  const place = await temporaryFolder(t)
  await mkdir(join(place, 'plain'))
  for (const name of ['plain', 'none', '--upload-pack=touch'])
    await failsWith(
      (await remoteAt(join(place, name), place)).refs(PATIENT),
      'not_found',
      /is no git repository/,
    )
})

test('what a repository of somebody else has in its configuration is not run, whoever fetches', async (t) => {
  const place = await temporaryFolder(t)
  const source = join(place, "it's $(a) source")
  const marker = join(place, 'ran')
  const [hash] = makeRepository(source, [{ files: { 'go.mod': 'module x\n' }, tags: ['v1.0.0'] }])
  for (const [name, value] of [
    ['uploadpack.packObjectsHook', `touch ${marker}`],
    ['core.fsmonitor', `touch ${marker}`],
    ['core.sshCommand', `touch ${marker}`],
    ['core.alternateRefsCommand', `touch ${marker}`],
    ['core.hooksPath', join(source, 'hooks')],
    ['remote.origin.url', 'ssh://127.0.0.1:1/x'],
    ['remote.origin.promisor', 'true'],
    ['alias.upload-pack', `!touch ${marker}`],
  ])
    git(source, ['config', name!, value!])
  await writeFile(join(source, 'hooks', 'post-checkout'), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 })
  const remote = await remoteAt(source, place)
  // By our own client, and by git itself.
  const old: Remote = { ...remote, upload: async () => streamOf(packet('ERR no'), FLUSH) }
  for (const [name, each] of Object.entries({ ours: remote, git: old })) {
    const { repository } = openRepository(each, join(place, name))
    t.after(() => repository.close())
    const refs = await repository.refs(0)
    assert.equal((await repository.commit(hash!, 'refs/tags/v1.0.0'))?.hash, hash)
    assert.deepEqual(await repository.tagsBefore(hash!, refs), ['v1.0.0'])
    assert.equal(await repository.commit('1'.repeat(40), undefined), undefined)
  }
  assert.ok(!existsSync(marker))
})
