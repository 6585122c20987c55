import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createTestObserver, temporaryFolder, type TestObserver } from '../observe/test-support.ts'
import { openAuditFiles } from '../store/audit-files.ts'
import type { AuditFiles } from './files.ts'
import { BLOCK } from './chain.ts'
import { createIds } from './ids.ts'
import { openKeys } from './key.ts'
import { answerPart, clientPart, eventHead, requestPart } from './line.ts'
import { verifyAudit } from './verify.ts'
import type { LineBlock } from './waiting.ts'
import { openWriter, type Writer } from './writer.ts'

export const CLIENT = {
  client_ip: '192.0.2.7',
  user_agent: 'Go-http-client/1.1',
  user_principal: 'alice',
  principal_kind: 'user',
  tenant: '',
} as const

const newId = createIds()

/** The line of some event. */
export function someEvent(seq: number, module = `corp.example/m${seq}`): string {
  const answer = answerPart({
    event_type: 'download',
    auth_result: 'ok',
    kind: 'zip',
    module,
    version: 'v1.0.0',
    status: 200,
    bytes: seq,
  })
  return (
    eventHead(seq, newId(), new Date().toISOString()) + requestPart(newId(), '') + clientPart(CLIENT) + answer
  )
}

export interface TestLog {
  folder: string
  files: AuditFiles
  observer: TestObserver
  clock: { now: number }
  /** Opens it as a start does. */
  open(rotate?: { size: number; age: number }): Promise<Writer>
  /** Sentences about what is wrong. */
  verify(): Promise<string[]>
  texts(): Promise<Map<string, string>>
  write(name: string, text: string | Buffer): Promise<void>
}

export async function testLog(t: Pick<TestContext, 'after'>): Promise<TestLog> {
  const folder = await temporaryFolder(t)
  const files = await openAuditFiles(folder)
  const observer = createTestObserver()
  const clock = { now: Date.UTC(2026, 10, 26) }
  return {
    folder,
    files,
    observer,
    clock,
    async open(rotate = { size: 1 << 20, age: 86_400_000 }) {
      const { signer, verifierKey, verifiers } = await openKeys(files, [])
      return openWriter({
        files,
        signer,
        verifierKey,
        verifiers,
        rotate,
        newId,
        log: observer.log,
        now: () => clock.now++,
      })
    },
    async verify() {
      const { verifiers } = await openKeys(files, [])
      const { findings } = await verifyAudit({ files, verifiers, patience: 1 })
      return findings.map(({ segment, lines, what }) => `${segment ?? ''}:${lines?.join('-') ?? ''} ${what}`)
    },
    async texts() {
      const names = (await readdir(folder)).filter((name) => /^segment|^head$/.test(name)).sort()
      const all = names.map(async (name) => [name, await readFile(join(folder, name), 'latin1')] as const)
      return new Map(await Promise.all(all))
    },
    write: (name, text) => writeFile(join(folder, name), text, 'latin1'),
  }
}

/** Writes `count` events, signed after every `each`, and closes. */
export async function fill(writer: Writer, count: number, each = 10): Promise<void> {
  for (let i = 0; i < count; i += each) {
    const some = Math.min(each, count - i)
    const start = writer.seq
    await writer.append(
      blocksOf(
        Array.from({ length: some }, (_, k) => someEvent(start + k + 1)),
        start + 1,
      ),
    )
    await writer.checkpoint()
  }
  await writer.close()
}

/** As the trail would hand them on. */
export function blocksOf(lines: readonly string[], first: number): LineBlock[] {
  return Array.from({ length: Math.ceil(lines.length / BLOCK) }, (_, i) => {
    const some = lines.slice(i * BLOCK, (i + 1) * BLOCK)
    return {
      bytes: Buffer.from(`${some.join('\n')}\n`),
      lines: some.length,
      last: first + i * BLOCK + some.length - 1,
    }
  })
}
