import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ask } from '../test/support/http.ts'
import { startPinned } from './pinned.ts'

/** What bare-server.ts reads. */
export interface BareAnswers {
  tls?: { cert: string; key: string }
  answers: { path: string; headers: Record<string, string>; file: string; fromDisk: boolean }[]
}

export interface BareServer {
  port: number
  pid: number
  close(): Promise<void>
}

export interface BareOptions {
  /** The server whose answers are copied: its bytes and its headers. */
  model: string
  paths: readonly string[]
  tls?: { cert: string; key: string; ca: string }
  /**
   * The file to send from disk. It should be the model's own: the system keeps a file in memory in pieces as large as
   * the writes that made it, and the fewer they are the faster they are read: a copy is another file.
   */
  fromDisk?: string
}

/** Headers that node:http writes itself. */
const OWN = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])

/** A bare server on the servers' CPU that gives the same answers as the model, byte for byte. */
export async function startBare({ model, paths, tls, fromDisk }: BareOptions): Promise<BareServer> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-bare-'))
  const answers: BareAnswers['answers'] = []
  for (const [index, path] of paths.entries()) {
    const { status, headers, body } = await ask(model, path, tls ? { ca: tls.ca } : {})
    if (status !== 200) throw new Error(`${model}${path} gave ${status}: ${body.toString('utf8', 0, 500)}`)
    const kept = Object.entries(headers).filter(([name]) => !OWN.has(name)) as [string, string][]
    const file = fromDisk ?? join(folder, `${index}`)
    if (fromDisk === undefined) await writeFile(file, body)
    answers.push({
      path,
      headers: { ...Object.fromEntries(kept), 'content-length': String(body.length) },
      file,
      fromDisk: fromDisk !== undefined,
    })
  }
  const list = join(folder, 'answers.json')
  await writeFile(list, JSON.stringify({ answers, ...(tls && { tls }) }))
  const program = fileURLToPath(new URL('./bare-server.ts', import.meta.url))
  const { port, pid, stop } = await startPinned([process.execPath, program, list])
  return {
    port,
    pid,
    async close() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
