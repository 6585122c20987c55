/** For benchmarks and tests of scale: a catalog as large as that of a busy company, made in seconds. */
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import type { Write } from './apply-writes.ts'
import { createWriteApplier } from './apply-writes.ts'
import { openForWriting, prepareCatalog } from './catalog-database.ts'
import { READS, WRITES } from './sqlite-statements.ts'

/** Writes in one transaction. */
const GROUP = 20_000

/**
 * Fills the catalog of a data folder that no modstead has open, through the same statements as the server: `modules`
 * public modules, named as `filledModule` does, each with the versions `v1.0.0` to `v1.(versionsEach - 1).0` and the
 * snapshot of its list. Unlike the server it does not wait for the disk.
 */
export async function fillCatalog(dataDir: string, modules: number, versionsEach: number): Promise<void> {
  const path = join(dataDir, 'catalog.db')
  prepareCatalog(path)
  const database = openForWriting(path)
  try {
    database.exec('PRAGMA synchronous = off')
    const apply = createWriteApplier(database, { reads: READS, writes: WRITES })
    const now = Date.now()
    let group: Write[] = []
    const flush = (): void => {
      for (const outcome of apply(group, now)) if ('error' in outcome) throw outcome.error
      group = []
    }
    for (let i = 0; i < modules; i++) {
      for (const write of writesOf(i, versionsEach, now)) group.push(write)
      if (group.length >= GROUP) flush()
    }
    if (group.length > 0) flush()
  } finally {
    database.close()
  }
}

/** The path of the module with this number, counted from 0. */
export function filledModule(index: number): string {
  return `github.com/company-${index % 997}/project-${index}`
}

function* writesOf(index: number, versionsEach: number, now: number): Generator<Write> {
  const module = filledModule(index)
  const versions = Array.from({ length: versionsEach }, (_, i) => `v1.${i}.0`)
  for (const version of versions) {
    const digest = createHash('sha256').update(`${module}@${version}`).digest()
    const h1 = `h1:${digest.toString('base64')}`
    yield {
      kind: 'learn',
      realm: 'public',
      module,
      version,
      facts: {
        h1,
        goModH1: h1,
        zipSize: 1_000 + digest.readUInt16BE(),
        zipSha256: digest.toString('hex'),
        info: true,
        time: '2024-05-06T07:08:09Z',
        origin: 'public',
        provenBy: 'sum.golang.org',
      },
    }
  }
  const body = Buffer.from(versions.map((version) => `${version}\n`).join(''))
  const snapshot = { body, fetched: now, changed: now, origin: 'public' }
  yield { kind: 'saveSnapshot', realm: 'public', module, query: 'list', snapshot }
}
