/** Run by `crash.test.ts`: commits files whose contents follow from their keys, until it is killed. */
import { createHash } from 'node:crypto'
import type { StoreKey } from '../proxy/store.ts'
import { openDataFolder } from './data-folder.ts'
import { openFileStore } from './file-store.ts'
import { createTestObserver, someHash } from '../observe/test-support.ts'
import { key } from './test-support.ts'

/** Some bytes to some hundred kilobytes. */
export function bodyOf({ module, version, kind }: StoreKey): Buffer {
  const seed = createHash('sha256').update(`${module}@${version}.${kind}`).digest()
  return Buffer.alloc(kind === 'zip' ? seed.readUInt16BE() * 4 + 1 : 40, seed)
}

export function hashOf({ module, version, kind }: StoreKey): string {
  return someHash(`${module}@${version}.${kind}`)
}

if (import.meta.main) await commitForEver(process.argv[2]!, Number(process.argv[3]))

async function commitForEver(path: string, round: number): Promise<void> {
  const folder = await openDataFolder(path, { version: '0.0.0-test' })
  const store = await openFileStore(folder, { observer: createTestObserver() })
  process.stdout.write('open\n')
  const commit = async (k: StoreKey): Promise<void> => {
    if (k.kind === 'zip') {
      const body = bodyOf(k)
      const spool = await store.createSpool()
      for (let at = 0; at < body.length; at += 16_384) await spool.append(body.subarray(at, at + 16_384))
      await store.commit(k, spool, hashOf(k))
      await spool.discard()
    } else await store.commit(k, bodyOf(k), hashOf(k))
    process.stdout.write(`${k.module} ${k.version} ${k.kind}\n`)
  }
  const worker = async (n: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const [module, version] = [`example.com/m${(n + i) % 7}`, `v1.${round}.${n * 1_000 + i}`]
      await Promise.all((['info', 'mod', 'zip'] as const).map((kind) => commit(key(kind, module, version))))
    }
  }
  await Promise.all(Array.from({ length: 6 }, (_, n) => worker(n)))
}
