import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from '../../../observe/test-support.ts'
import { failsWith } from '../../test-origin.ts'
import { createFileRemote, writeServingConfig } from './file-remote.ts'
import { FLUSH, packet } from './packets.ts'
import type { Remote } from './remote.ts'
import { git, makeRepository, openRepository, streamOf } from '../test-repository.ts'
import { runGit } from '../programs/run-git.ts'

const PATIENT = new AbortController().signal

async function remoteAt(folder: string, place: string): Promise<Remote> {
  const servingConfig = join(place, 'serving.config')
  await writeServingConfig(servingConfig)
  const url = pathToFileURL(folder)
  return createFileRemote({
    key: url.href,
    url,
    servingConfig,
    deadline: 40_000,
    limit: 1 << 20,
    run: runGit,
  })
}

test('a folder that is no repository, or not there, has no modules', async (t) => {
  const place = await temporaryFolder(t)
  await mkdir(join(place, 'plain'))
  for (const name of ['plain', 'none', '--upload-pack=touch']) {
    const remote = await remoteAt(join(place, name), place)
    await failsWith(remote.refs(PATIENT), 'not_found', /is no git repository/)
    // Clients read it: no path of this machine is in it.
    await assert.rejects(remote.refs(PATIENT), ({ message }: Error) => !message.includes(place))
  }
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

/** The repository of that name in a folder that the configuration maps modules to. */
function mapped(place: string, name: string): Remote {
  const url = pathToFileURL(join(place, name))
  const below = pathToFileURL(`${place}/`)
  const rest = { servingConfig: '/dev/null', deadline: 40_000, limit: 1 << 24, run: runGit }
  return createFileRemote({ key: url.href, url, below, ...rest })
}

test('what is not among the repositories is absent, with or without .git', async (t) => {
  const place = await temporaryFolder(t)
  makeRepository(join(place, 'team', 'lib.git'), [{ files: { a: 'a' } }])
  await mkdir(join(place, 'team', 'papers'))
  for (const name of ['team/lib.git', 'team/lib'])
    assert.ok((await mapped(place, name).refs(PATIENT)).byName.has('refs/heads/main'))
  for (const name of ['team/none', 'none/lib', 'team/papers', 'team/lib.git/HEAD'])
    await failsWith(mapped(place, name).refs(PATIENT), 'not_found', /is no git repository/)
})

test('repositories that cannot be read are no absence: a disk that is gone, or empty, or broken', async (t) => {
  const folder = await temporaryFolder(t)
  const place = join(folder, 'mount')
  makeRepository(join(place, 'lib.git'), [{ files: { a: 'a' } }])
  await rm(join(place, 'lib.git', 'objects'), { recursive: true })
  await failsWith(mapped(place, 'lib.git').refs(PATIENT), 'upstream_failed', /cannot serve/)
  await rename(place, join(folder, 'elsewhere'))
  const gone = await failsWith(mapped(place, 'lib.git').refs(PATIENT), 'upstream_unreachable', /ENOENT/)
  assert.match(gone.next ?? '', /is mounted/)
  await mkdir(place)
  await failsWith(mapped(place, 'lib.git').refs(PATIENT), 'upstream_unreachable', /nothing at all/)
})

test('a repository that cannot be read is no absence', async (t) => {
  const place = await temporaryFolder(t)
  await symlink('lib.git', join(place, 'lib.git'))
  await failsWith(mapped(place, 'lib.git').refs(PATIENT), 'upstream_unreachable', /cannot be read: ELOOP/)
})
