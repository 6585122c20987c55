import { connect } from 'node:net'
import type { Row } from '../figure.ts'
import { putSized, setScene, type Scene } from '../scene.ts'

const CLIENTS = 500
const ZIP_BYTES = 20 << 20
/** Bytes per second of the upstream: one download takes a second. */
const RATE = 20 << 20
const BUFFER_BYTES = 64 << 10
const SAMPLE_MS = 20

/** Many clients at once want the same large zip that nobody has yet. */
export const storm: Row = {
  name: 'storm',
  title: `A storm of ${CLIENTS} clients on one cold zip of ${ZIP_BYTES >> 20} MiB`,
  async run() {
    const scene = await setScene({ conditions: { rate: RATE } })
    try {
      const first = putSized(scene.tree, ZIP_BYTES)
      const second = putSized(scene.tree, ZIP_BYTES, 'v1.1.0')
      // A small storm first: code is compiled and the heap has the size of a server at work.
      const small = putSized(scene.tree, 1 << 20)
      await unleash(scene, `${small.base}.zip`, small.zip)

      const path = `${first.base}.zip`
      const cold = await unleash(scene, path, first.zip)
      const asked = scene.upstream.requests.filter((request) => request.path === path).length
      const warm = await unleash(scene, path, first.zip)
      const one = await unleash(scene, `${second.base}.zip`, second.zip, 1)
      return [
        { name: 'upstream requests', value: asked, unit: '', atLeast: 1, atMost: 1 },
        {
          name: 'clients with the right bytes',
          value: cold.right,
          unit: '',
          atLeast: CLIENTS,
          atMost: CLIENTS,
        },
        { name: "growth of the server's memory", value: cold.grown / 2 ** 20, unit: 'MiB', atMost: 160 },
        {
          name: 'time, of (one download + warm storm)',
          value: cold.took / (one.took + warm.took),
          unit: '',
          atMost: 1.5,
          detail: `cold ${cold.took.toFixed(0)} ms, download ${one.took.toFixed(0)} ms, warm ${warm.took.toFixed(0)} ms`,
        },
      ]
    } finally {
      await scene.close()
    }
  },
}

async function unleash({ modstead }: Scene, path: string, expected: Buffer, clients = CLIENTS) {
  const before = await modstead.memory()
  let peak = before
  const sampler = setInterval(() => {
    void modstead.memory().then((bytes) => (peak = Math.max(peak, bytes)))
  }, SAMPLE_MS)
  const started = performance.now()
  try {
    const outcomes = await Promise.all(
      Array.from({ length: clients }, () => download(modstead.port, path, expected)),
    )
    const took = performance.now() - started
    return { right: outcomes.filter(Boolean).length, grown: peak - before, took }
  } finally {
    clearInterval(sampler)
  }
}

/** Compares the body with what it must be while it comes: hashing 10 GB would be most of the work. */
function download(port: number, path: string, expected: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let head = ''
    let inBody = false
    let at = 0
    let right = true
    const onread = { buffer: Buffer.allocUnsafe(BUFFER_BYTES), callback: take }
    const socket = connect({ port, host: '127.0.0.1', onread }, () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(right && at === expected.length))

    function take(length: number, bytes: Uint8Array): boolean {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, length)
      let from = 0
      if (!inBody) {
        const had = head.length
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return true
        inBody = true
        right = /^HTTP\/1\.1 200 [^]*\r\ncontent-length: /i.test(head)
        from = end + 4 - had
      }
      right &&= expected.compare(chunk, from, length, at, at + length - from) === 0
      at += length - from
      return true
    }
  })
}
