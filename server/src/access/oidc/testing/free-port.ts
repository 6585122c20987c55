import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A port of loopback that nobody listens at, and that the system gives to nobody who asks for any (RFC 6335: below 49152; Linux: below 32768). */
export async function quietPort(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = randomInt(15_000, 32_000)
    const server = createServer()
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    } catch {
      // Somebody has it: another one.
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error('fifty ports were taken')
}
