import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goEnvFile, parseGoEnvFile, readGoEnvironment, readGoFolders } from './go-environment.ts'

type Env = Record<string, string>

async function read(env: Env, files: Record<string, string> = {}, platform: NodeJS.Platform = 'linux') {
  const readFile = (path: string) =>
    files[path] === undefined ? Promise.reject(new Error('none')) : Promise.resolve(files[path])
  const go = await readGoEnvironment({ env, home: '/home/user', platform, readFile })
  return Object.fromEntries(Object.entries(go).map(([name, { value, source }]) => [name, [value, source]]))
}

const defaults = {
  GOPROXY: ['https://proxy.golang.org,direct', 'default'],
  GOSUMDB: ['sum.golang.org', 'default'],
  GONOPROXY: ['', 'default'],
  GONOSUMDB: ['', 'default'],
}

test('without anything: the defaults of go', async () => {
  assert.deepEqual(await read({}), defaults)
})

test('the process wins over the file, and what is empty is not set', async () => {
  const file = '/home/user/.config/go/env'
  const contents = 'GOPROXY=https://file.example\nGOSUMDB=off\nGOPRIVATE=file.example\n'
  assert.deepEqual(await read({ GOPROXY: 'https://env.example', GOSUMDB: '' }, { [file]: contents }), {
    GOPROXY: ['https://env.example', 'environment'],
    GOSUMDB: ['off', `go env file ${file}`],
    GONOPROXY: ['file.example', `go env file ${file}`],
    GONOSUMDB: ['file.example', `go env file ${file}`],
  })
})

test('GONOPROXY and GONOSUMDB each replace GOPRIVATE', async () => {
  assert.deepEqual(await read({ GOPRIVATE: 'a.example', GONOPROXY: 'none' }), {
    ...defaults,
    GONOPROXY: ['none', 'environment'],
    GONOSUMDB: ['a.example', 'environment'],
  })
})

test('where go env -w writes', () => {
  const rows: [NodeJS.Platform, Env, string | undefined][] = [
    ['linux', {}, '/home/user/.config/go/env'],
    ['linux', { XDG_CONFIG_HOME: '/cfg' }, '/cfg/go/env'],
    ['linux', { XDG_CONFIG_HOME: '' }, '/home/user/.config/go/env'],
    ['darwin', { XDG_CONFIG_HOME: '/cfg' }, '/home/user/Library/Application Support/go/env'],
    ['linux', { GOENV: '/etc/go-env' }, '/etc/go-env'],
    ['linux', { GOENV: 'off' }, undefined],
    ['win32', {}, undefined],
  ]
  for (const [platform, env, expected] of rows)
    assert.equal(goEnvFile({ env, home: '/home/user', platform }), expected)
  assert.equal(goEnvFile({ env: {}, home: '', platform: 'linux' }), undefined)
})

test('GOENV=off reads no file', async () => {
  assert.deepEqual(await read({ GOENV: 'off' }, { '/home/user/.config/go/env': 'GOPROXY=off' }), {
    ...defaults,
  })
})

test('lines of the file', () => {
  const text =
    '# GOFLAGS=-mod=mod\nGOPROXY=https://a,direct\n\nno equals\n gap=1\nGOSUMDB=a=b c\nGOPROXY=https://b\nlow=1\n=x'
  assert.deepEqual(
    [...parseGoEnvFile(text)],
    [
      ['GOPROXY', 'https://b'],
      ['GOSUMDB', 'a=b c'],
    ],
  )
})

test('the folders of go', async () => {
  const rows: [env: Env, file: string, cache: string, path: string][] = [
    [{}, '', '/home/user/go/pkg/mod', '/home/user/go'],
    [{ GOPATH: '/a:/b' }, '', '/a/pkg/mod', '/a'],
    [{ GOPATH: '/a', GOMODCACHE: '/c' }, '', '/c', '/a'],
    [{ GOPATH: '' }, 'GOPATH=/f\nGOMODCACHE=/m\n', '/m', '/f'],
    [{ GOMODCACHE: '/e' }, 'GOMODCACHE=/m\n', '/e', '/home/user/go'],
  ]
  for (const [env, file, cache, path] of rows) {
    const options = { env, home: '/home/user', platform: 'linux', readFile: async () => file } as const
    const { GOMODCACHE, GOPATH } = await readGoFolders(options)
    assert.deepEqual([GOMODCACHE.value, GOPATH.value], [cache, path])
  }
  const homeless = { env: {}, home: '', platform: 'linux', readFile: async () => '' } as const
  assert.equal((await readGoFolders(homeless)).GOMODCACHE.value, '')
})
