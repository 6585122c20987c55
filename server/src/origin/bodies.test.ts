/** Answers that are not what their headers say, or not what was asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import { eventually } from '../observe/test-support.ts'
import { asked, collect, failsWith, MODULE, testOrigin, VERSION, type TestConfig } from './test-origin.ts'
import { respond, startTestUpstream, type Script } from './test-upstream.ts'
import type { GoproxyOrigin } from './goproxy.ts'

async function withUpstream(
  script: Script,
  options: TestConfig,
  run: (origin: GoproxyOrigin, upstream: Awaited<ReturnType<typeof startTestUpstream>>) => Promise<void>,
): Promise<void> {
  const upstream = await startTestUpstream(script)
  const origin = testOrigin(upstream.url, { tries: 1, ...options })
  try {
    await run(origin, upstream)
  } finally {
    await origin.close()
    await upstream.close()
  }
}

/** What breaks a zip and a small file alike, and how the message ends. */
const BROKEN: readonly {
  name: string
  script: Script
  code: 'upstream_unreachable' | 'upstream_invalid'
  says: RegExp
}[] = [
  {
    name: 'early close, with a length',
    script: (_request, socket) => {
      respond(socket, 200, 'half', { 'content-length': '8' })
      socket.end()
    },
    code: 'upstream_unreachable',
    says: /closed the connection after 4 of 8 bytes of its answer$/,
  },
  {
    name: 'early close, with a length and no keep-alive',
    script: (_request, socket) => {
      respond(socket, 200, 'half', { 'content-length': '8', connection: 'close' })
      socket.end()
    },
    code: 'upstream_unreachable',
    says: /closed the connection after 4 of 8 bytes/,
  },
  {
    name: 'early close, in chunks',
    script: (_request, socket) => {
      respond(socket, 200, '4\r\nhalf\r\n', { 'transfer-encoding': 'chunked' })
      socket.end()
    },
    code: 'upstream_unreachable',
    says: /closed the connection after 4 bytes of its answer$/,
  },
  {
    name: 'a reset in the middle',
    script: (_request, socket) => {
      respond(socket, 200, 'half', { 'content-length': '8' })
      setTimeout(() => socket.resetAndDestroy(), 10)
    },
    code: 'upstream_unreachable',
    says: /closed the connection after 4 of 8 bytes/,
  },
  {
    name: 'more than announced',
    script: (_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore than that'),
    code: 'upstream_invalid',
    says: /sent more than the 4 bytes it announced$/,
  },
  {
    name: 'a second answer behind the first',
    script: (_request, socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmoreHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      ),
    code: 'upstream_invalid',
    says: /sent more than the 4 bytes it announced$/,
  },
  {
    name: 'broken chunks',
    script: (_request, socket) => respond(socket, 200, '4\r\nhalfXX', { 'transfer-encoding': 'chunked' }),
    code: 'upstream_invalid',
    says: /sent an answer that is not valid HTTP: ./,
  },
]

for (const { name, script, code, says } of BROKEN) {
  test(`${name} is an error that names origin and host`, () =>
    withUpstream(script, {}, async (origin, upstream) => {
      const read = async (): Promise<Buffer> => collect((await origin.zip(MODULE, VERSION, asked())).chunks)
      const error = await failsWith(read(), code, says)
      assert.equal(error.origin, 'public')
      assert.ok(error.message.startsWith(`${upstream.host} (origin public) `), error.message)
      await failsWith(origin.goMod(MODULE, VERSION, asked()), code, says)
      await eventually(() => upstream.open() === 0, 'the connections are closed')
    }))
}

test('bytes that come after a whole answer close the connection and harm nobody', () =>
  withUpstream(
    (_request, socket) => {
      respond(socket, 200, 'module x\n')
      setTimeout(() => socket.write('surplus'), 20)
    },
    {},
    async (origin, upstream) => {
      for (let i = 0; i < 3; i++) {
        assert.equal((await origin.goMod(MODULE, VERSION, asked())).bytes.toString(), 'module x\n')
        await eventually(() => upstream.open() === 0, 'the connection is closed')
      }
    },
  ))

test('no HTTP at all', () =>
  withUpstream(
    (_request, socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
    {},
    (origin) =>
      failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', /not valid HTTP/).then(() => undefined),
  ))

test('headers without end', () =>
  withUpstream(
    (_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const more = setInterval(() => socket.write(`x-more: ${'y'.repeat(8000)}\r\n`), 1)
      socket.on('close', () => clearInterval(more))
    },
    {},
    (origin) =>
      failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', /not valid HTTP/).then(() => undefined),
  ))

test('too large, as declared: refused before it is read', () =>
  withUpstream(
    (_request, socket) => respond(socket, 200, 'x', { 'content-length': '101' }),
    { limits: { list: 100, info: 100, mod: 100, zip: 100 } },
    async (origin, upstream) => {
      const says = /sent more than the 100 bytes such a file may have$/
      await failsWith(origin.zip(MODULE, VERSION, asked()), 'upstream_invalid', says)
      await failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', says)
      await failsWith(origin.resolve(MODULE, 'main', asked()), 'upstream_invalid', says)
      await failsWith(origin.goMod(MODULE, VERSION, asked()), 'upstream_invalid', says)
      await eventually(() => upstream.open() === 0, 'the connections are closed')
    },
  ))

test('too large, undeclared: refused at the first byte too many', () =>
  withUpstream(
    (_request, socket) => {
      respond(socket, 200, '', { 'transfer-encoding': 'chunked' })
      const more = setInterval(() => socket.write(`40\r\n${'x'.repeat(64)}\r\n`), 1)
      socket.on('close', () => clearInterval(more))
    },
    { limits: { list: 1000, info: 1000, mod: 1000, zip: 1000 } },
    async (origin, upstream) => {
      const says = /sent more than the 1000 bytes such a file may have$/
      const { chunks, size } = await origin.zip(MODULE, VERSION, asked())
      assert.equal(size, undefined)
      await failsWith(collect(chunks), 'upstream_invalid', says)
      await failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', says)
      await eventually(() => upstream.open() === 0, 'the connections are closed')
    },
  ))

test('gzip is asked for and understood where files are text', () =>
  withUpstream(
    (_request, socket) => respond(socket, 200, gzipSync('v1.0.0\nv1.1.0\n'), { 'content-encoding': 'gzip' }),
    {},
    async (origin, upstream) => {
      const list = await origin.versions(MODULE, asked())
      assert.deepEqual(list, { versions: [{ version: 'v1.0.0' }, { version: 'v1.1.0' }] })
      assert.equal(upstream.seen[0]!.headers['accept-encoding'], 'gzip')
    },
  ))

test('a gzip bomb', () =>
  withUpstream(
    (_request, socket) =>
      respond(socket, 200, gzipSync(Buffer.alloc(8 << 20)), { 'content-encoding': 'gzip' }),
    { limits: { list: 1 << 20, info: 1 << 20, mod: 1 << 20 } },
    async (origin) => {
      const says = /sent more than the 1048576 bytes such a file may have$/
      await failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', says)
      await failsWith(origin.resolve(MODULE, 'latest', asked()), 'upstream_invalid', says)
      await failsWith(origin.goMod(MODULE, VERSION, asked()), 'upstream_invalid', says)
    },
  ))

test('half a gzip, and what only claims to be one', async () => {
  for (const body of [gzipSync('v1.0.0\n').subarray(0, 12), Buffer.from('v1.0.0\n')]) {
    await withUpstream(
      (_request, socket) => respond(socket, 200, body, { 'content-encoding': 'gzip' }),
      {},
      (origin) =>
        failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', /not valid gzip$/).then(
          () => undefined,
        ),
    )
  }
})

test('an encoding that was not asked for', () =>
  withUpstream(
    (_request, socket) => respond(socket, 200, deflateSync('v1.0.0\n'), { 'content-encoding': 'deflate' }),
    {},
    async (origin) => {
      const says = /encoded as deflate, which was not asked for$/
      await failsWith(origin.versions(MODULE, asked()), 'upstream_invalid', says)
      await failsWith(origin.zip(MODULE, VERSION, asked()), 'upstream_invalid', says)
    },
  ))

test('a zip is asked for as it is', () =>
  withUpstream(
    (_request, socket) => respond(socket, 200, gzipSync('PK'), { 'content-encoding': 'gzip' }),
    {},
    async (origin, upstream) => {
      await failsWith(origin.zip(MODULE, VERSION, asked()), 'upstream_invalid', /encoded as gzip/)
      assert.equal(upstream.seen[0]!.headers['accept-encoding'], 'identity')
    },
  ))

test('web pages where files were asked for', async () => {
  const page = '<!DOCTYPE html><html><body>Sign in</body></html>'
  const says = /answered with a web page instead of the file$/
  const types: Record<string, string>[] = [
    { 'content-type': 'text/html; charset=utf-8' },
    { 'content-type': 'text/plain' },
    {},
  ]
  for (const headers of types) {
    await withUpstream(
      (_request, socket) => respond(socket, 200, page, headers),
      {},
      async (origin) => {
        await failsWith(origin.versions(MODULE, asked()), 'upstream_page', says)
        await failsWith(origin.resolve(MODULE, VERSION, asked()), 'upstream_page', says)
        await failsWith(origin.goMod(MODULE, VERSION, asked()), 'upstream_page', says)
        if (headers['content-type']?.startsWith('text/html') !== true) return
        await failsWith(origin.zip(MODULE, VERSION, asked()), 'upstream_page', says)
      },
    )
  }
})

test('the first bytes of a zip are handed on while the rest has not been sent', () =>
  withUpstream(
    (_request, socket) => respond(socket, 200, 'first', { 'content-length': '10' }),
    {},
    async (origin) => {
      const { chunks } = await origin.zip(MODULE, VERSION, asked())
      const reader = chunks[Symbol.asyncIterator]()
      const { value } = await reader.next()
      assert.equal(String(value), 'first')
      await reader.return?.()
    },
  ))

test('a reader that leaves closes the connection', () =>
  withUpstream(
    (_request, socket) => respond(socket, 200, 'first', { 'content-length': '10' }),
    {},
    async (origin, upstream) => {
      const { chunks } = await origin.zip(MODULE, VERSION, asked())
      for await (const chunk of chunks) {
        assert.equal(chunk.toString(), 'first')
        break
      }
      await eventually(() => upstream.open() === 0, 'the connection is closed')
    },
  ))

test('a host that is faster than its reader is made to wait', () => {
  let written = 0
  return withUpstream(
    (_request, socket) => {
      const size = 64 << 20
      respond(socket, 200, '', { 'content-length': String(size) })
      const write = (): void => {
        while (written < size) {
          written += 1 << 16
          if (!socket.write(Buffer.alloc(1 << 16))) return void socket.once('drain', write)
        }
      }
      write()
    },
    {},
    async (origin) => {
      const { chunks } = await origin.zip(MODULE, VERSION, asked())
      let read = 0
      for await (const chunk of chunks) {
        if (read === 0) {
          await new Promise((resolve) => setTimeout(resolve, 150))
          assert.ok(written < 32 << 20, `${written} bytes were taken from the host before any was read`)
        }
        read += chunk.length
      }
      assert.equal(read, 64 << 20)
    },
  )
})
