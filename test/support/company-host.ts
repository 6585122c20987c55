/** A host of the company at port 443, as `go` reaches it: a certificate, and a proxy that leads there. */
import { execFile } from 'node:child_process'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const HOST = 'go.corp.example'

export interface Certificates {
  ca: string
  cert: string
  key: string
}

/** A certificate for the host, also by its address, and the authority that signed it, as PEM files. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const at = (name: string): string => join(folder, name)
  const shared = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' ')
  const openssl = (subject: string, key: string, out: string, ...more: string[]) =>
    run('openssl', [...shared, '-subj', `/CN=${subject}`, '-keyout', at(key), '-out', at(out), ...more])
  await openssl('authority', 'ca.key', 'ca.pem')
  const extensions = [
    '-addext',
    `subjectAltName=DNS:${HOST},IP:127.0.0.1`,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ]
  await openssl(HOST, 'key.pem', 'cert.pem', '-CA', at('ca.pem'), '-CAkey', at('ca.key'), ...extensions)
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') }
}

/** An HTTPS_PROXY that leads `go` to the port for the host, and nowhere else. Notes where it was asked to go. */
export async function startTunnel(
  t: TestContext,
  port: () => number,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const open = new Set<Socket>()
  const server = createServer((_, res) => void res.writeHead(403).end())
  server.on('connection', (socket: Socket) => open.add(socket))
  server.on('connect', (req: IncomingMessage, client: Socket) => {
    asked.push(req.url ?? '')
    client.on('error', () => client.destroy())
    if (req.url !== `${HOST}:443`) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const there = connect(port(), '127.0.0.1')
    open.add(there)
    there.on('error', () => client.destroy())
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    there.pipe(client).pipe(there)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    open.forEach((socket) => socket.destroy())
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
