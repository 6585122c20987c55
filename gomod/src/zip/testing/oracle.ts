/** What another reader, yauzl, makes of a zip. For tests. */
import { createHash } from 'node:crypto'
import { fromBufferPromise } from 'yauzl'
import { hash1, type FileDigest } from '../../dirhash.ts'

/** The h1 of all entries as yauzl reads them. Throws whatever yauzl throws. */
export async function oracleH1(zip: Uint8Array): Promise<string> {
  const file = await fromBufferPromise(Buffer.from(zip), { decodeStrings: false })
  const digests: FileDigest[] = []
  for await (const entry of file.eachEntry()) {
    const name = entry.fileName.toString('utf8')
    const hash = createHash('sha256')
    if (!name.endsWith('/')) {
      for await (const piece of await file.openReadStreamPromise(entry)) hash.update(piece)
    }
    digests.push({ name, sha256hex: hash.digest('hex') })
  }
  return hash1(digests)
}
