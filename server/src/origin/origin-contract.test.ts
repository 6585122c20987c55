import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { originContract } from './origin-contract.ts'
import { testOrigin } from './test-origin.ts'
import { respond, startTestUpstream } from './test-upstream.ts'

const LIMITS = { list: 1024, info: 1024, mod: 1024, zip: 1 << 20 }

for (const chunked of [false, true]) {
  originContract(`http, ${chunked ? 'in chunks' : 'with lengths'}`, {
    renews: true,
    async start(files) {
      const upstream = await startTestUpstream(({ path, headers }, socket) => {
        const found = files[decodeURIComponent(path).replace('/some/prefix/', '')]
        if (found === undefined) return respond(socket, 404, 'not found\n', { 'content-type': 'text/plain' })
        const body = Buffer.from(found)
        const etag = `"${createHash('sha256').update(body).digest('hex')}"`
        if (headers['if-none-match'] === etag) return respond(socket, 304, '', { etag })
        if (!chunked) return respond(socket, 200, body, { etag })
        respond(socket, 200, '', { etag, 'transfer-encoding': 'chunked' })
        for (let at = 0; at < body.length; at += 100_000) {
          const piece = body.subarray(at, at + 100_000)
          socket.write(`${piece.length.toString(16)}\r\n`)
          socket.write(piece)
          socket.write('\r\n')
        }
        socket.write('0\r\n\r\n')
      })
      return {
        origin: testOrigin(`${upstream.url}/some/prefix`, { limits: LIMITS }),
        stop: () => upstream.close(),
      }
    },
  })
}

originContract('file', {
  renews: true,
  async start(files) {
    const root = mkdtempSync(join(tmpdir(), 'modstead-origin '))
    for (const [path, contents] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), contents)
    }
    const origin = testOrigin(pathToFileURL(root).href, { limits: LIMITS })
    return { origin, stop: async () => rmSync(root, { recursive: true }) }
  },
})
