import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ModsteadError } from '../errors.ts'
import { asked, collect, failsWith, MODULE, testOrigin, VERSION } from './test-origin.ts'

let root: string
let folder: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'modstead-disk-tree-'))
  folder = join(root, 'example.com/!mod/@v')
  mkdirSync(folder, { recursive: true })
})
after(() => rmSync(root, { recursive: true }))

const origin = () => testOrigin(pathToFileURL(root).href)

test('a folder that is gone is an outage, not absence', async () => {
  const gone = testOrigin(pathToFileURL(join(root, 'unmounted')).href)
  const error = await failsWith(
    gone.versions(MODULE, asked()),
    'upstream_unreachable',
    /^the folder of origin public cannot be read \(ENOENT\)$/,
  )
  assert.match(error.next ?? '', /mounted/)
  assert.equal(error.origin, 'public')
})

test('something that is not a file is not opened', async () => {
  mkdirSync(join(folder, 'list'))
  await failsWith(origin().versions(MODULE, asked()), 'upstream_failed', /not a file$/)
  rmSync(join(folder, 'list'), { recursive: true })
  execFileSync('mkfifo', [join(folder, 'list')])
  await failsWith(origin().versions(MODULE, asked()), 'upstream_failed', /not a file$/)
  rmSync(join(folder, 'list'))
})

test('a file that may not be read is refused', async () => {
  writeFileSync(join(folder, 'list'), '')
  chmodSync(join(folder, 'list'), 0)
  // Root may read everything: for the moment of this test it is nobody.
  const user = process.geteuid?.()
  if (user === 0) process.seteuid!(65_534)
  try {
    await failsWith(origin().versions(MODULE, asked()), 'upstream_refused', /may not be read by modstead$/)
  } finally {
    if (user === 0) process.seteuid!(0)
    rmSync(join(folder, 'list'))
  }
})

test('a zip that changes while it is read is not taken for whole', async () => {
  const file = join(folder, `${VERSION}.zip`)
  for (const change of [() => truncateSync(file, 400_000), () => appendFileSync(file, 'more')]) {
    writeFileSync(file, Buffer.alloc(1 << 20))
    const { size, chunks } = await origin().zip(MODULE, VERSION, asked())
    assert.equal(size, 1 << 20)
    change()
    await failsWith(collect(chunks), 'upstream_invalid', /changes while it is read$/)
  }
})

test('what is no URL of a local folder is refused at the start', () => {
  for (const url of ['file://elsewhere.example.com/srv', 'file:///srv?x', 'file:///srv#x', 'file:///a%2Fb']) {
    assert.throws(
      () => testOrigin(url),
      (error) => error instanceof ModsteadError && error.code === 'config_invalid',
      url,
    )
  }
  for (const url of ['ftp://example.com', 'proxy.golang.org', '']) {
    assert.throws(
      () => testOrigin(url),
      (error) => error instanceof ModsteadError && error.code === 'config_invalid',
      url,
    )
  }
})
