import { connect } from 'node:net'

export interface RawAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
}

const DEADLINE_MS = 10_000

/** Sends bytes as they are over a connection of its own and reads the one answer until the server closes. */
export function rawRequest(port: number, head: string, method: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(head, 'latin1'))
    socket.setTimeout(DEADLINE_MS, () =>
      socket.destroy(new Error(`no whole answer within ${DEADLINE_MS} ms`)),
    )
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => {
      try {
        resolve(parseAnswer(Buffer.concat(chunks), method))
      } catch (error) {
        reject(error)
      }
    })
  })
}

function parseAnswer(bytes: Buffer, method: string): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0)
    throw new Error(`this is no HTTP answer: ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`)
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const rest = bytes.subarray(end + 4)
  const body = headers['transfer-encoding'] === 'chunked' ? joinChunks(rest) : rest
  const declared = headers['content-length']
  if (method !== 'HEAD' && declared !== undefined && Number(declared) !== body.length)
    throw new Error(`Content-Length is ${declared}, but ${body.length} bytes came`)
  if (method === 'HEAD' && rest.length > 0)
    throw new Error(`the answer to HEAD has a body of ${rest.length} bytes`)
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]), headers, body }
}

function joinChunks(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (lineEnd < 0 || Number.isNaN(size)) throw new Error('the chunked body is cut')
    if (size === 0) return Buffer.concat(parts)
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}
