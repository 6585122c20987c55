import assert from 'node:assert/strict'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createMask } from '../../audit/mask.ts'
import { blocksOf, CLIENT, fill, someEvent, testLog } from '../../audit/audit.fixture.ts'
import { answerPart, clientPart, eventHead } from '../../audit/line.ts'
import { temporaryFolder } from '../../observe/test-support.ts'
import { runHere } from '../run.fixture.ts'

/** A log in the place where commands look for it. */
async function data(t: TestContext, lines: readonly string[]) {
  const dataDir = await temporaryFolder(t)
  const log = await testLog(t)
  const writer = await log.open()
  await writer.append(blocksOf(lines, 1))
  await writer.close()
  await mkdir(dirname(join(dataDir, 'audit')), { recursive: true })
  await rename(log.folder, join(dataDir, 'audit'))
  return {
    dataDir,
    audit: join(dataDir, 'audit'),
    run: (...args: string[]) => runHere({ args: ['audit', ...args, '--data-dir', dataDir] }),
  }
}

function line(seq: number, at: string, more: { agent?: string; who?: string; module?: string } = {}): string {
  const { agent = 'go', who = 'alice', module = 'corp.example/lib' } = more
  const client = clientPart({ ...CLIENT, user_agent: agent, user_principal: who })
  const answer = answerPart({
    event_type: 'download',
    auth_result: 'ok',
    kind: 'zip',
    module,
    version: 'v1.0.0',
    status: 200,
    bytes: 5,
  })
  return eventHead(seq, '01M8D3GBJ88TR11F70QAEK4Y16', at) + client + answer
}

test('filters choose events by time, type, principal and module', async (t) => {
  const { run } = await data(t, [
    line(1, '2026-11-01T00:00:00.000Z'),
    line(2, '2026-11-02T00:00:00.000Z', { who: createMask('partial', '')('bob@corp.example') }),
    line(3, '2026-11-03T00:00:00.000Z', { module: 'example.com/open' }),
  ])
  const seqs = async (...flags: string[]) => {
    const { stdout, code, stderr } = await run('export', ...flags)
    assert.equal(code, 0, stderr)
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((text) => (JSON.parse(text) as { seq: number }).seq)
  }
  assert.deepEqual(await seqs(), [1, 2, 3])
  assert.deepEqual(await seqs('--since', '2026-11-02'), [2, 3])
  assert.deepEqual(await seqs('--until', '2026-11-02T00:00:00Z'), [1])
  assert.deepEqual(await seqs('--since', '1h'), [])
  assert.deepEqual(await seqs('--principal', 'bob@corp.example'), [2], 'as it stands there masked')
  assert.deepEqual(await seqs('--module', '*.example/lib'), [1, 2])
  assert.deepEqual(await seqs('--type', 'list,refusal'), [])
  assert.equal((await run('tail', '-n', '1')).stdout.split('\n').length, 2)
  assert.match(
    (await run('tail', '-n', '1')).stdout,
    /^2026-11-03T00:00:00\.000Z  download  ok  user:alice  192\.0\.2\.7  200  zip example\.com\/open@v1\.0\.0\n$/,
  )
})

test('what clients chose becomes no formula in a spreadsheet, and no control character on a terminal', async (t) => {
  const { run } = await data(t, [
    line(1, '2026-11-01T00:00:00.000Z', { agent: '=HYPERLINK("x"),\n', who: '\u001b[31mred' }),
  ])
  const { stdout } = await run('export', '--csv')
  const [names = '', first = ''] = stdout.split('\r\n')
  assert.match(names, /^schema,seq,event_id,timestamp,/)
  assert.ok(first.includes(`"'=HYPERLINK(""x""),\n"`), first)
  assert.ok(!(await run('tail')).stdout.includes('\u001b'))
})

test('verify says where it is signed through, and with another key that it is not', async (t) => {
  const { run, audit } = await data(t, [someEvent(1)])
  const good = await run('verify')
  assert.equal(good.code, 0, good.stdout)
  assert.match(
    good.stdout,
    /^the audit log is what was written: 1 event in 1 segment\nsigned through event 1 of 1, at /,
  )
  assert.equal((JSON.parse((await run('verify', '--json')).stdout) as { ok: boolean }).ok, true)
  const key = (await run('key')).stdout.trim()
  assert.match(key, /^modstead-audit\+[0-9a-f]{8}\+/)
  assert.equal((await run('verify', '--key', key)).code, 0)
  const log = await testLog(t)
  await fill(await log.open(), 1)
  const other = (await log.files.readSmall('key.pub'))!.trim()
  const bad = await run('verify', '--key', other)
  assert.equal(bad.code, 1)
  assert.match(
    bad.stdout,
    /segment-000000001\.jsonl, line 5: the signature is not to be trusted: no known key/,
  )
  const head = await log.files.readSmall('head')
  await writeFile(join(audit, 'theirs'), head!)
  assert.match(
    (await run('verify', '--checkpoint', join(audit, 'theirs'))).stdout,
    /checkpoint that was given is not to be trusted/,
  )
})

test('the schema, and mistakes', async (t) => {
  const { run } = await data(t, [])
  const { stdout } = await runHere({ args: ['audit', 'schema'] })
  assert.partialDeepStrictEqual(JSON.parse(stdout), {
    title: 'modstead audit event',
    additionalProperties: false,
  })
  const cases: [args: string[], message: RegExp][] = [
    [['export', '--since', 'yesterday'], /--since: expected a day/],
    [['export', '--type', 'login'], /--type: expected some of authentication, .* found "login"/],
    [['export', '--module', 'https://x'], /--module: the pattern/],
    [['tail', '-n', '0'], /--lines: expected a number from 1/],
    [['verify', '--key', 'x'], /--key: /],
    [['verify', '--checkpoint', '/nowhere/head'], /--checkpoint: /],
  ]
  for (const [args, message] of cases) {
    const ran = await run(...args)
    assert.match(ran.stderr, message, args.join(' '))
    assert.equal(ran.code, 2)
  }
  const nowhere = await runHere({ args: ['audit', 'verify'] })
  assert.match(nowhere.stderr, /there is no audit log at .*modstead-data\/audit/)
  assert.equal(nowhere.code, 1)
})
