import assert from 'node:assert/strict'
import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import { temporaryFolder } from '../../observe/test-support.ts'
import { failsWith } from '../test-origin.ts'
import { createFileRemote } from './file-remote.ts'
import type { Remote } from './remote.ts'
import { makeRepository } from './test-repository.ts'

const PATIENT = new AbortController().signal

/** The repository of that name in a folder that the configuration maps modules to. */
function remote(place: string, name: string): Remote {
  const url = pathToFileURL(join(place, name))
  const below = pathToFileURL(`${place}/`)
  const rest = { servingConfig: '/dev/null', deadline: 40_000, limit: 1 << 24 }
  return createFileRemote({ key: url.href, url, below, ...rest })
}

test('what is not among the repositories is absent, with or without .git', async (t) => {
  const place = await temporaryFolder(t)
  makeRepository(join(place, 'team', 'lib.git'), [{ files: { a: 'a' } }])
  await mkdir(join(place, 'team', 'papers'))
  for (const name of ['team/lib.git', 'team/lib'])
    assert.ok((await remote(place, name).refs(PATIENT)).byName.has('refs/heads/main'))
  for (const name of ['team/none', 'none/lib', 'team/papers', 'team/lib.git/HEAD'])
    await failsWith(remote(place, name).refs(PATIENT), 'not_found', /is no git repository/)
})

test('repositories that cannot be read are no absence: a disk that is gone, or empty, or broken', async (t) => {
  const folder = await temporaryFolder(t)
  const place = join(folder, 'mount')
  makeRepository(join(place, 'lib.git'), [{ files: { a: 'a' } }])
  await rm(join(place, 'lib.git', 'objects'), { recursive: true })
  await failsWith(remote(place, 'lib.git').refs(PATIENT), 'upstream_failed', /cannot serve/)
  await rename(place, join(folder, 'elsewhere'))
  const gone = await failsWith(remote(place, 'lib.git').refs(PATIENT), 'upstream_unreachable', /ENOENT/)
  assert.match(gone.next ?? '', /is mounted/)
  await mkdir(place)
  await failsWith(remote(place, 'lib.git').refs(PATIENT), 'upstream_unreachable', /nothing at all/)
})

test('a repository that cannot be read is no absence', async (t) => {
  const place = await temporaryFolder(t)
  await symlink('lib.git', join(place, 'lib.git'))
  await failsWith(remote(place, 'lib.git').refs(PATIENT), 'upstream_unreachable', /cannot be read: ELOOP/)
})
