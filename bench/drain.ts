// `node drain.ts '{"port":1,"path":"/x","connections":2,"seconds":2}'`: asks for one path again and again over
// connections that stay open, counts the bytes of the bodies and prints the rates as JSON.
import { connect } from 'node:net'
import type { LoadResult } from './load.ts'

const BUFFER_BYTES = 1 << 20

const { port, path, connections, seconds } = JSON.parse(process.argv[2]!) as {
  port: number
  path: string
  connections: number
  seconds: number
}
const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
/** When the first bytes came: what happens before is not the server's doing. */
let started = 0
let answers = 0
let bytes = 0

for (let i = 0; i < connections; i++) {
  let head = ''
  /** Bytes of the current body still to come; -1 while the head is read. */
  let left = -1
  const onread = { buffer: Buffer.allocUnsafe(BUFFER_BYTES), callback: take }
  const socket = connect({ port, host: '127.0.0.1', onread }, () => socket.write(request))
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the server ended the connection')))

  function take(length: number, buffer: Uint8Array): boolean {
    if (started === 0) begin()
    let body = length
    if (left < 0) {
      head += Buffer.from(buffer.buffer, buffer.byteOffset, Math.min(length, 4096)).toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return true
      if (!head.startsWith('HTTP/1.1 200')) fail(new Error(head.slice(0, 300)))
      left = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? fail(new Error('no Content-Length')))
      body = length - (end + 4)
      head = ''
    }
    bytes += body
    left -= body
    if (left === 0) {
      left = -1
      answers++
      socket.write(request)
    }
    return true
  }
}

function fail(error: Error): never {
  console.error(error.message)
  process.exit(1)
}

function begin(): void {
  started = performance.now()
  setTimeout(() => {
    const took = (performance.now() - started) / 1000
    console.log(JSON.stringify({ answers: answers / took, bytes: bytes / took } satisfies LoadResult))
    process.exit(0)
  }, seconds * 1000)
}
