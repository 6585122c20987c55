/** The proxy room as its tests use it: one made-up module, scripted origins, and everything else real. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { checkPath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import { createModuleZip } from '@modstead/gomod/zip/create'
import { openSqliteCatalog } from '../catalog/sqlite-catalog.ts'
import type { RouteConfig } from '../config/config.ts'
import { type ErrorCode, ModsteadError } from '../errors.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { openFileStore } from '../store/file-store.ts'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import type { Answer } from './answer.ts'
import type { ChecksumDatabase, PromisedHashes } from './checksums.ts'
import type { Origin, ZipSource } from './origin.ts'
import type { ArtifactKind, ModuleRequest, RequestContext } from './request.ts'
import { createRouter } from './route.ts'
import { createModuleProxy } from './serve.ts'
import { createZipChecker } from './zip-checker.ts'

export const MODULE = checkPath('example.com/m')
export const VERSION = checkVersion(MODULE, 'v1.0.0')

export const TIMES = { lookAhead: true, fresh: 60_000, staleWhileRevalidate: 3_600_000, absent: 10_000 }

export interface Made {
  info: Buffer
  mod: Buffer
  zip: Buffer
  h1: string
  goModH1: string
}

export async function makeModule(extra = 'package m\n', goMod = `module ${MODULE}\n`): Promise<Made> {
  const chunks: Uint8Array[] = []
  const files = { 'go.mod': goMod, 'm.go': extra }
  const { h1 } = await createModuleZip(
    {
      path: MODULE,
      version: VERSION,
      files: Object.entries(files).map(([path, text]) => ({
        path,
        kind: 'regular' as const,
        size: Buffer.byteLength(text),
        open: () => Buffer.from(text),
      })),
    },
    (chunk) => void chunks.push(Buffer.from(chunk)),
  )
  const mod = Buffer.from(goMod)
  return {
    info: Buffer.from(JSON.stringify({ Version: VERSION, Time: '2024-01-02T03:04:05Z' })),
    mod,
    zip: Buffer.concat(chunks),
    h1,
    goModH1: hashGoMod(mod),
  }
}

type Step = Buffer | ErrorCode | (() => Promise<Buffer> | Buffer) | ZipSource | 'unchanged'

/** An origin that gives what the script says for `list`, `latest`, a query, or `info|mod|zip`, and counts. */
export function scripted(
  name: string,
  script: Record<string, Step>,
): Origin & { asked: string[]; script: Record<string, Step> } {
  const asked: string[] = []
  async function give(what: string): Promise<Buffer | ZipSource | 'unchanged'> {
    asked.push(what)
    const step = script[what] ?? 'not_found'
    if (step === 'unchanged') return step
    if (typeof step === 'string') throw new ModsteadError(step, `${name}: ${step}`, { origin: name })
    return typeof step === 'function' ? step() : step
  }
  return {
    name,
    speculative: true,
    asked,
    script,
    async versions() {
      const list = await give('list')
      if (list === 'unchanged') return list
      return {
        versions: (list as Buffer)
          .toString()
          .split('\n')
          .filter(Boolean)
          .map((version) => ({ version })),
      }
    },
    async resolve(_module, query) {
      const bytes = await give(query === VERSION ? 'info' : query)
      if (bytes === 'unchanged') return bytes
      return { bytes: bytes as Buffer, version: VERSION }
    },
    goMod: async () => ({ bytes: (await give('mod')) as Buffer }),
    async zip() {
      const zip = await give('zip')
      return Buffer.isBuffer(zip) ? { size: zip.length, chunks: pieces([zip]) } : (zip as ZipSource)
    },
    close: () => Promise.resolve(),
  }
}

export async function* pieces(list: (Buffer | Error | Promise<unknown>)[]): AsyncGenerator<Buffer> {
  for (const piece of list) {
    if (piece instanceof Error) throw piece
    if (Buffer.isBuffer(piece)) yield piece
    else await piece
  }
}

export interface SetUp {
  origins: Origin[]
  then?: 'absent' | 'any'
  checksum?: ChecksumDatabase
  route?: Partial<RouteConfig>
  concurrency?: number
  promised?: PromisedHashes
  refuseFetching?: () => ModsteadError | undefined
  now?: () => number
}

/** The proxy room over scripted origins, with a real store and catalog, closed after the test. */
export async function setUp(
  t: TestContext,
  { origins, then = 'any', checksum, route, concurrency = 0, promised, refuseFetching, now }: SetUp,
) {
  const folder = await temporaryFolder(t)
  const observer = createTestObserver()
  const data = await openDataFolder(join(folder, 'data'), { version: '0.0.0-test' })
  const store = await openFileStore(data, { observer })
  const catalog = await openSqliteCatalog(data.catalog, { observer })
  const checker = createZipChecker({ threads: 1, log: observer.log })
  const router = createRouter(
    [
      {
        modules: ['*'],
        from: origins.map(({ name }) => ({ origin: name, then })),
        private: false,
        checksum: checksum?.name ?? 'off',
        ...TIMES,
        ...route,
      },
    ],
    new Map(origins.map((origin) => [origin.name, origin])),
    new Map(checksum === undefined ? [] : [[checksum.name, checksum]]),
  )
  const lookAhead = { concurrency, bytes: 1 << 30, depth: 8 }
  const proxy = createModuleProxy({
    router,
    store,
    catalog,
    checker,
    lookAhead,
    observer,
    ...(promised && { promised }),
    ...(refuseFetching && { refuseFetching }),
    ...(now && { now }),
  })
  t.after(async () => {
    await proxy.close(AbortSignal.timeout(1_000))
    await catalog.close()
    await store.close()
    await data.close()
  })
  const client = {}
  const serve = (request: ModuleRequest, context: Partial<RequestContext> = {}) =>
    proxy.serve(request, { signal: new AbortController().signal, storedOnly: false, client, ...context })
  const file = (kind: ArtifactKind, context?: Partial<RequestContext>) =>
    serve({ kind, module: MODULE, version: VERSION }, context)
  const storedFiles = async (): Promise<string[]> => {
    const names = await readdir(join(folder, 'data', 'public'), { recursive: true }).catch(() => [])
    return names.filter((name) => /\.(info|mod|zip)$/.test(name)).sort()
  }
  return { folder, proxy, router, store, catalog, checker, observer, serve, file, storedFiles }
}

export async function read(answer: Answer): Promise<Buffer> {
  if (answer.body.kind === 'bytes') return answer.body.bytes
  if (answer.body.kind === 'file') return answer.body.file.bytes()
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body.zip.chunks(new AbortController().signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export function database(
  made: Made,
  change: Partial<{ h1: string; goModH1: string }> = {},
): ChecksumDatabase {
  return {
    name: 'sum.example.com',
    lookup: () =>
      Promise.resolve({ database: 'sum.example.com', h1: made.h1, goModH1: made.goModH1, ...change }),
  }
}
