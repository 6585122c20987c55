import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A plain reverse proxy, as a company has one in front of its services. */
export interface ReverseProxy {
  /** The base URL for clients at `address`: each has a port of its own, since all of them are at loopback. */
  urlFor(address: string): Promise<string>
  close(): Promise<void>
}

/**
 * Starts a proxy in front of the server at `port`, which it reaches from the address `from`. It appends the address of
 * each client to what the client sent in X-Forwarded-For, over connections that all clients share.
 */
export function startReverseProxy(options: { port: number; from: string }): ReverseProxy {
  const servers: Server[] = []

  function start(address: string): Promise<Server> {
    const server = createServer((req, res) => {
      const before = req.headers['x-forwarded-for']
      const headers = {
        ...req.headers,
        'x-forwarded-for': before === undefined ? address : `${String(before)}, ${address}`,
      }
      const { method, url: path } = req
      const asked = request(
        { host: '127.0.0.1', port: options.port, localAddress: options.from, method, path, headers },
        (answer) => {
          res.writeHead(answer.statusCode!, answer.rawHeaders)
          answer.pipe(res)
          answer.on('error', () => res.destroy())
        },
      )
      asked.on('error', () => res.destroy())
      res.on('close', () => asked.destroy())
      req.pipe(asked)
    })
    servers.push(server)
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
  }

  return {
    async urlFor(address) {
      const server = await start(address)
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}
