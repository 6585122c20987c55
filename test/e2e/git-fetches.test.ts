// How often repositories are asked: crowds share fetches, and hosts of every age are understood.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../support/faults.ts'
import type { GitCommit } from '../support/git-repositories.ts'
import { startPrivateHosts } from '../support/private-hosts.ts'

const VERSIONS = Array.from({ length: 10 }, (_, i) => `v1.${i + 1}.0`)

function history(): GitCommit[] {
  return VERSIONS.map((tag) => ({ files: { 'a.go': `package lib // ${tag}\n` }, tags: [tag] }))
}

const FIRST: GitCommit = {
  files: { 'go.mod': 'module corp.example/lib\n', 'a.go': 'package lib\n' },
  tags: ['v1.0.0'],
}

test('200 requests for ten new tags of one repository are one fetch', async (t) => {
  const hosts = await startPrivateHosts(t, { ssh: false })
  const { git } = await hosts.repository('http/lib', [FIRST])
  const at = (version: string): string => `/corp.example/lib/@v/${version}.zip`
  assert.equal((await hosts.stage.get(at('v1.0.0'))).status, 200)
  await git.commit(...history())
  hosts.http.requests.length = 0
  // They come one after the other, as over a network: while the first fetches, the others gather.
  hosts.http.latency = 200
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => hosts.stage.get(at(VERSIONS[i % 10]!))),
  )
  const bytes = new Map<number, Buffer>()
  for (const [i, { status, body }] of answers.entries()) {
    assert.equal(status, 200, body.toString())
    const first = bytes.get(i % 10) ?? body
    bytes.set(i % 10, first)
    assert.ok(first.equals(body))
  }
  // Two where a busy machine lets half of them in so late that the first fetch is over.
  assert.ok(hosts.http.count('discovery') <= 2, `${hosts.http.count('discovery')} questions for refs`)
  assert.ok(hosts.http.count('fetch') <= 2, `${hosts.http.count('fetch')} fetches`)
})

test('hosts that speak only the old protocol are fetched from with git itself', async (t) => {
  const ours = (headers: Record<string, unknown>): boolean => /modstead/.test(String(headers['user-agent']))
  const faults: [name: string, fault: Fault][] = [
    ['a bad request', { kind: 'status', status: 400, body: 'what?' }],
    ['a failure', { kind: 'status', status: 500, body: 'NullPointerException' }],
    ['a page', { kind: 'body', body: '<html>', type: 'text/html' }],
    [
      'an error of the protocol',
      {
        kind: 'body',
        body: '0012ERR version 2?\n0000',
        type: 'application/x-git-upload-pack-result',
      },
    ],
  ]
  let fault: Fault | undefined
  const hosts = await startPrivateHosts(t, {
    ssh: false,
    intercept: ({ kind, headers }) => (kind === 'fetch' && ours(headers) ? fault : undefined),
  })
  const zips: Buffer[] = []
  for (const [index, [name, each]] of [['none', undefined] as const, ...faults].entries()) {
    fault = each
    await hosts.repository(`http/lib${index}`, [{ ...FIRST, files: { 'a.go': 'package lib\n' } }])
    const { status, body } = await hosts.stage.get(`/corp.example/lib${index}/@v/v1.0.0.zip`)
    assert.equal(status, 200, `${name}: ${body.toString()}`)
    zips.push(body)
  }
  for (const zip of zips) assert.equal(zip.length, zips[0]!.length)
})
