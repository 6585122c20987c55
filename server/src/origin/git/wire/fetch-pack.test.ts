import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { deflateSync } from 'node:zlib'
import { ModsteadError } from '../../../errors.ts'
import { temporaryFolder } from '../../../observe/test-support.ts'
import { failsWith } from '../../test-origin.ts'
import { TooMuchOnDisk } from '../programs/disk-bound.ts'
import { BadPack, fetchPack, FetchRefused, type FetchPackOptions } from './fetch-pack.ts'
import { GIT_SETTINGS, settingsEnvironment } from '../programs/git-environment.ts'
import { BadPacket, DELIMITER, FLUSH, packet } from './packets.ts'
import { converse, ProgramFailed } from './process-wire.ts'
import { addCommits, git, makeRepository, streamOf } from '../test-repository.ts'
import { runGit } from '../programs/run-git.ts'

const patient = new AbortController().signal

interface Fixture {
  source: string
  hashes: string[]
  target: string
  fetch(wants: readonly string[], options?: Partial<FetchPackOptions>): ReturnType<typeof fetchPack>
}

async function fixture(t: TestContext): Promise<Fixture> {
  const folder = await temporaryFolder(t)
  const source = join(folder, 'source')
  const target = join(folder, 'target')
  const hashes = makeRepository(source, [
    { files: { 'go.mod': 'module x\n', 'a.go': 'package a\n' }, tags: ['v1.0.0'] },
    { files: { 'a.go': 'package a\n\nconst A = 1\n' }, tags: ['v1.1.0'] },
  ])
  makeRepository(target, [])
  return {
    source,
    hashes,
    target,
    fetch: (wants, options = {}) =>
      fetchPack({
        run: runGit,
        gitDir: target,
        hashLength: 40,
        wants,
        haves: [],
        most: 1 << 30,
        deadlines: { total: 40_000, idle: 40_000 },
        signal: patient,
        upload: async (request, signal) => uploadFrom(source, request, signal),
        ...options,
      }),
  }
}

function uploadFrom(source: string, request: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  return converse(request, {
    command: 'git',
    args: ['upload-pack', '--strict', '--', source],
    env: settingsEnvironment([...GIT_SETTINGS, ['safe.directory', '*']]),
    signal,
  })
}

/** An answer that a host made up. */
function answers(...pieces: (string | Buffer)[]): Partial<FetchPackOptions> {
  return { upload: async () => streamOf(...pieces) }
}

/** Bytes of a pack, as they are sent. */
function band(bytes: Buffer, number = 1): Buffer {
  return Buffer.concat([
    Buffer.from((bytes.length + 5).toString(16).padStart(4, '0')),
    Buffer.from([number]),
    bytes,
  ])
}

/** A pack with this many objects of zeros, each of `size` bytes; its checksum is right. */
function packOf(count: number, size: number): Buffer {
  const head = Buffer.alloc(12)
  head.write('PACK')
  head.writeUInt32BE(2, 4)
  head.writeUInt32BE(count, 8)
  const sizeBytes = [(3 << 4) | (size & 15)]
  for (let rest = size >> 4; rest > 0; rest >>= 7) {
    sizeBytes[sizeBytes.length - 1]! |= 0x80
    sizeBytes.push(rest & 0x7f)
  }
  const object = Buffer.concat([Buffer.from(sizeBytes), deflateSync(Buffer.alloc(size))])
  const body = Buffer.concat([head, ...Array.from({ length: count }, () => object)])
  return Buffer.concat([body, createHash('sha1').update(body).digest()])
}

function unfinished(target: string): string[] {
  return readdirSync(join(target, 'objects', 'pack')).filter((name) => !name.startsWith('pack-'))
}

test('a commit comes with its files and without its history', async (t) => {
  const { fetch, hashes, target } = await fixture(t)
  const came = await fetch([hashes[1]!])
  assert.deepEqual(came.shallow, [hashes[1]])
  assert.ok(came.bytes > 0)
  assert.equal(git(target, ['show', `${hashes[1]}:a.go`]), 'package a\n\nconst A = 1\n')
  assert.throws(() => git(target, ['cat-file', '-e', hashes[0]!]))
})

test('what is here already does not come again', async (t) => {
  const { fetch, hashes, source } = await fixture(t)
  const large = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919 + (i >> 3)) & 255))
  const [third, fourth] = addCommits(source, [{ files: { large } }, { files: { 'b.go': 'package b\n' } }])
  const first = await fetch([third!])
  const second = await fetch([fourth!], { haves: [third!] })
  assert.ok(first.bytes > 1_000 && second.bytes < 1_000, `${first.bytes}, then ${second.bytes}`)
  assert.deepEqual((await fetch([hashes[1]!])).shallow, [hashes[1]])
})

test('a commit that the host does not have is refused in its words', async (t) => {
  const { fetch } = await fixture(t)
  await assert.rejects(
    fetch(['1'.repeat(40)]),
    (error) => error instanceof FetchRefused && /not our ref/.test(error.message),
  )
})

test('a program that speaks an older version, or none, is not taken for a host of this one', async (t) => {
  const { fetch, hashes, source } = await fixture(t)
  const v0 = { ...settingsEnvironment([...GIT_SETTINGS, ['safe.directory', '*'], ['protocol.version', '0']]) }
  const table: [command: string, args: string[], error: RegExp][] = [
    [
      'sh',
      ['-c', `unset GIT_PROTOCOL; git upload-pack ${source}`],
      /^(says: upload-pack: protocol error|fatal: )/,
    ],
    ['sh', ['-c', 'echo Welcome to this host'], /not git’s protocol/],
    ['sh', ['-c', 'echo no >&2; exit 3'], /^no\n$/],
    ['sh', ['-c', 'printf 000000'], /broke off/],
    ['git', ['upload-pack', '--strict', '/nonexistent'], /not appear to be a git repository/],
  ]
  for (const [command, args, message] of table)
    await assert.rejects(
      fetch([hashes[0]!], {
        upload: async (request, signal) => converse(request, { command, args, env: v0, signal }),
      }),
      (error) => {
        assert.ok(
          error instanceof BadPacket || error instanceof FetchRefused || error instanceof ProgramFailed,
          String(error),
        )
        assert.match(error.message, message)
        return true
      },
      args.join(' '),
    )
})

test('answers that make no sense are told apart from those that refuse', async (t) => {
  const { fetch, hashes } = await fixture(t)
  const head = packet('packfile')
  const pack = packOf(1, 100)
  const garbage = Buffer.alloc(1000, 'garbage ')
  const wrong = Buffer.from(pack)
  wrong[wrong.length - 1]! ^= 1
  const table: [name: string, pieces: (string | Buffer)[], kind: Function, message: RegExp][] = [
    ['nothing', [], BadPacket, /broke off/],
    ['a page', ['<html>'], BadPacket, /not git’s protocol/],
    ['no pack', [FLUSH], BadPacket, /sent no objects/],
    ['acknowledgments', [packet('acknowledgments')], BadPacket, /answered with acknowledgments/],
    ['two packs', [head, band(pack), DELIMITER, head], BadPacket, /answered with packfile/],
    ['an end in the middle', [head, band(pack.subarray(0, 50))], BadPacket, /broke off/],
    ['a cut packet', [head, band(pack).subarray(0, 40)], BadPacket, /broke off/],
    ['ERR', [packet('ERR quota \u001b[31mexceeded')], FetchRefused, /^says: quota \[31mexceeded$/],
    [
      'a failure',
      [head, band(pack.subarray(0, 50)), band(Buffer.from('out of disk\n'), 3)],
      FetchRefused,
      /out of disk/,
    ],
    ['garbage', [head, band(garbage), FLUSH], BadPack, /bad object|signature|pack/i],
    ['half a pack', [head, band(pack.subarray(0, -30)), FLUSH], BadPack, /./],
    ['a wrong checksum', [head, band(wrong), FLUSH], BadPack, /./],
  ]
  for (const [name, pieces, kind, message] of table)
    await assert.rejects(
      fetch([hashes[0]!], answers(...pieces)),
      (error) => {
        assert.ok(error instanceof kind, `${name}: ${String(error)}`)
        assert.match((error as Error).message, message, name)
        return true
      },
      name,
    )
})

test('a full disk is not blamed on the host', async (t) => {
  const { fetch, hashes } = await fixture(t)
  const run: FetchPackOptions['run'] = async () => ({
    status: 128,
    stdout: Buffer.alloc(0),
    said: 'fatal: write error: No space left on device',
  })
  await failsWith(fetch([hashes[0]!], { run }), 'store_unavailable', /: its disk is full$/)
})

test('a commit is noted as without history only if it was wanted', async (t) => {
  const { fetch, hashes } = await fixture(t)
  const lines = [hashes[0]!, 'f'.repeat(40), `${hashes[0]!}x`, '-z'].map((hash) => packet(`shallow ${hash}`))
  const pack = band(packOf(1, 100))
  const came = await fetch(
    [hashes[0]!],
    answers(packet('shallow-info'), ...lines, DELIMITER, packet('packfile'), pack, FLUSH),
  )
  assert.deepEqual(came.shallow, [hashes[0]])
})

test('a pack that is too large is given up as soon as it is', async (t) => {
  const { fetch, hashes } = await fixture(t)
  let sent = 0
  async function* endless(): AsyncGenerator<Buffer> {
    yield Buffer.from(packet('packfile'))
    yield band(packOf(1_000_000, 100).subarray(0, 12))
    const object = packOf(1, 100).subarray(12, -20)
    for (;;) {
      sent += object.length
      yield band(object)
    }
  }
  await assert.rejects(fetch([hashes[0]!], { upload: async () => endless(), most: 100_000 }), TooMuchOnDisk)
  assert.ok(sent <= 200_000, `${sent} bytes were read`)
})

test(
  'a pack that is garbage is not read to its end, which may never come',
  { timeout: 30_000 },
  async (t) => {
    const { fetch, hashes } = await fixture(t)
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from(packet('packfile'))
      for (;;) {
        yield band(Buffer.alloc(1000, 'garbage '))
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    await assert.rejects(fetch([hashes[0]!], { upload: async () => endless() }), BadPack)
  },
)

test('a host that falls silent, or never ends, is left at the deadlines', async (t) => {
  const { fetch, hashes, target } = await fixture(t)
  const slow = (every: number) => (request: string, signal: AbortSignal) => {
    const text = `printf '%s' '${packet('version 2')}${FLUSH}${packet('packfile')}'; while :; do sleep ${every}; printf '0005\\002'; done`
    return Promise.resolve(
      converse(request, { command: 'sh', args: ['-c', text], env: settingsEnvironment([]), signal }),
    )
  }
  const table: [deadlines: FetchPackOptions['deadlines'], every: number, message: RegExp][] = [
    [{ total: 40_000, idle: 1_000 }, 300, /sent nothing for 1 s/],
    [{ total: 1_500, idle: 40_000 }, 0.01, /not fetched within 1.5 s/],
  ]
  for (const [deadlines, every, message] of table)
    await assert.rejects(fetch([hashes[0]!], { upload: slow(every), deadlines }), (error) => {
      assert.ok(error instanceof ModsteadError)
      assert.equal(error.code, 'upstream_timeout')
      assert.match(error.message, message)
      return true
    })
  assert.deepEqual(
    unfinished(target).filter((name) => !name.startsWith('tmp_')),
    [],
  )
})

test('the end of the server ends a fetch with its reason', async (t) => {
  const { fetch, hashes } = await fixture(t)
  const shutdown = new AbortController()
  const reason = new ModsteadError('shutting_down', 'modstead is shutting down')
  setTimeout(() => shutdown.abort(reason), 300)
  const hanging = async (request: string, signal: AbortSignal) =>
    converse(request, { command: 'sleep', args: ['300'], env: settingsEnvironment([]), signal })
  await assert.rejects(fetch([hashes[0]!], { upload: hanging, signal: shutdown.signal }), reason)
})
