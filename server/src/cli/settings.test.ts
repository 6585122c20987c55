import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runHere } from './run.fixture.ts'

const yaml = 'publicUrl: https://go.corp.example\naccess: {}\n'

test('settings prints all guides, or the one that is named', async () => {
  const all = await runHere({ args: ['settings'], yaml })
  assert.equal(all.code, 0, all.stderr)
  assert.match(
    all.stdout,
    /^Laptop\n-{6}\nTell go once:\n\n {2}go env -w GOPROXY=https:\/\/go\.corp\.example\n/,
  )
  for (const title of ['GitLab CI', 'GitHub Actions', 'Docker', 'A token in ~/.netrc'])
    assert.ok(all.stdout.includes(`\n${title}\n`), title)
  const one = await runHere({ args: ['settings', 'netrc'], yaml })
  assert.match(one.stdout, /^A token in ~\/\.netrc\n/)
  assert.match(one.stdout, /machine go\.corp\.example login __token__ password mst_…/)
  assert.ok(!one.stdout.includes('Laptop'))
})

test('what it cannot print, it says', async () => {
  const unknown = await runHere({ args: ['settings', 'gitlab'], yaml })
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /no settings for "gitlab"[^]*laptop, gitlab-ci, github-actions, docker, netrc/)
  const socket = await runHere({ args: ['settings'], yaml: 'listen: unix:/run/modstead.sock\n' })
  assert.equal(socket.code, 2)
  assert.match(socket.stderr, /Set publicUrl/)
})
