import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { clientGuides, GUIDE_NAMES, installLines } from './client-guides.ts'
import { clientModulePaths } from './client-module.ts'
import { clientSettings, type SettingsConfig } from './client-settings.ts'
import type { RouteConfig } from './config.ts'

const route = (modules: string[], isPrivate: boolean): RouteConfig => ({
  modules,
  from: [],
  private: isPrivate,
  checksum: isPrivate ? 'off' : 'sum.golang.org',
  lookAhead: false,
  fresh: 0,
  staleWhileRevalidate: 0,
  absent: 0,
})
const config = (more: Partial<SettingsConfig> = {}): SettingsConfig => ({
  routes: [route(['*'], false)],
  sumdb: [{ name: 'sum.golang.org', key: 'k' }],
  publicUrl: 'https://go.corp.example',
  access: {},
  ...more,
})

test('the module paths of the helper', () => {
  const none = 'modstead.invalid/modstead/client'
  for (const [publicUrl, ...paths] of [
    [undefined, none],
    ['https://go.corp.example', 'go.corp.example/modstead/client', none],
    ['https://go.corp.example:8443', 'go.corp.example/modstead/client', none],
    ['https://go.corp.example/x', 'go.corp.example/modstead/client', none],
    ['https://10.0.0.1', none],
    ['https://[fd00::1]:6637', none],
    ['http://localhost:6637', none],
    ['https://modstead', none],
    ['https://modstead.invalid', none],
  ] as const)
    assert.deepEqual(clientModulePaths(publicUrl), paths, publicUrl)
})

test('the helper is left out of public checksum databases where people sign in', () => {
  const noSumdb = (given: SettingsConfig) =>
    clientSettings(given, 'https://x').find(({ name }) => name === 'GONOSUMDB')?.value
  assert.equal(noSumdb(config()), 'go.corp.example/modstead/client')
  const corp = route(['corp.example'], true)
  assert.equal(
    noSumdb(config({ routes: [corp, route(['*'], false)] })),
    'corp.example,go.corp.example/modstead/client',
  )
  const all = route(['*.corp.example'], true)
  assert.equal(noSumdb(config({ routes: [all, route(['*'], false)] })), '*.corp.example')
  const { access: _, ...open } = config()
  assert.equal(noSumdb(open), undefined)
  assert.deepEqual(installLines(config()), ['go install go.corp.example/modstead/client@latest'])
  assert.deepEqual(installLines(open), [
    'GONOSUMDB=go.corp.example/modstead/client go install go.corp.example/modstead/client@latest',
  ])
})

const ADDRESS = 'https://go.corp.example/p'

test('every client has a guide with the settings of the configuration', () => {
  const guides = clientGuides(
    config({ routes: [route(['corp.example', '*.x.example'], true), route(['*'], false)] }),
    ADDRESS,
  )
  assert.deepEqual(
    guides.map(({ name }) => name),
    GUIDE_NAMES,
  )
  const text = new Map(
    guides.map(({ name, steps }) => [name, steps.flatMap(({ lines }) => lines ?? []).join('\n')]),
  )
  for (const name of ['laptop', 'gitlab-ci', 'github-actions', 'docker'] as const) {
    assert.ok(text.get(name)!.includes(ADDRESS), name)
    assert.ok(text.get(name)!.includes('corp.example,*.x.example'), name)
  }
  assert.match(text.get('netrc')!, /^machine go\.corp\.example login __token__ password /)
  assert.match(text.get('docker')!, /--mount=type=secret,id=netrc/)

  const gitlab = parse(text.get('gitlab-ci')!) as {
    variables: Record<string, string>
    build: { id_tokens: object; script: string[] }
  }
  assert.deepEqual(gitlab.variables, {
    GOPROXY: ADDRESS,
    GONOSUMDB: 'corp.example,*.x.example,go.corp.example/modstead/client',
    GOAUTH: 'netrc;client goauth',
  })
  assert.deepEqual(gitlab.build.id_tokens, { MODSTEAD_ID_TOKEN: { aud: ADDRESS } })
  assert.ok(gitlab.build.script.includes(`client login --ci ${ADDRESS}`))

  const { build } = (
    parse(text.get('github-actions')!) as {
      jobs: { build: { permissions: object; env: object; steps: object[] } }
    }
  ).jobs
  assert.deepEqual(build.permissions, { contents: 'read', 'id-token': 'write' })
  assert.deepEqual(build.env, gitlab.variables)
  assert.ok(build.steps.some((step) => 'run' in step && step.run === `client login --ci ${ADDRESS}`))
})

test('without access nobody is told to sign in', () => {
  const { access: _, ...open } = config()
  const text = JSON.stringify(clientGuides(open, ADDRESS))
  assert.doesNotMatch(text, /login|GOAUTH|id-token|id_tokens|secret/)
})

test('sign-in over http is warned of', () => {
  const said = (address: string) => JSON.stringify(clientGuides(config(), address))
  assert.match(said('http://localhost:6637'), /https addresses only/)
  assert.doesNotMatch(said(ADDRESS), /https addresses only/)
})
