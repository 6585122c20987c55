import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { createModuleZip } from '@modstead/gomod/zip/create'
import { zipWriter } from '@modstead/gomod/zip/writer'
import { openSqliteCatalog } from '../catalog/sqlite-catalog.ts'
import type { RouteConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { openFileStore } from '../store/file-store.ts'
import type { ChecksumDatabase } from './checksums.ts'
import type { Change } from './module-proxy.ts'
import type { Origin } from './origin.ts'
import type { ModuleRequest } from './request.ts'
import { createRouter } from './route.ts'
import { createModuleProxy } from './serve.ts'
import { createZipChecker } from './zip-checker.ts'
import type { ModuleStore } from './store.ts'

export const MODULE = checkPath('go.corp.example/lib')
export const V1 = 'v1.0.0' as Version
export const GO_MOD = `module ${MODULE}\n\ngo 1.21\n`

const observer: Observer = {
  log: { debug() {}, info() {}, warn() {}, error() {} },
  counter: () => ({ add() {} }),
  gauge() {},
  expose: () => Promise.resolve({ contentType: '', body: '' }),
}

/** The zip of a module version as `go` would make it, and its hash. */
export async function makeZip(
  files: Record<string, string> = {},
  {
    module = MODULE,
    version = V1,
    goMod = GO_MOD,
  }: { module?: string; version?: string; goMod?: string | null } = {},
): Promise<{ zip: Buffer; h1: string }> {
  const all = { ...(goMod !== null && { 'go.mod': goMod }), 'lib.go': 'package lib\n', ...files }
  const chunks: Uint8Array[] = []
  const { h1 } = await createModuleZip(
    {
      path: module,
      version,
      files: Object.entries(all).map(([path, text]) => ({
        path,
        kind: 'regular' as const,
        size: Buffer.byteLength(text),
        open: () => Buffer.from(text),
      })),
    },
    (chunk) => void chunks.push(chunk),
  )
  return { zip: Buffer.concat(chunks), h1 }
}

/** A zip with exactly these names in it, whether modules may have them or not. */
export function rawZip(files: Record<string, string>): Buffer {
  const chunks: Uint8Array[] = []
  const writer = zipWriter((chunk) => void chunks.push(chunk), 1 << 30)
  for (const [name, text] of Object.entries(files)) writer.add(name, Buffer.from(text))
  writer.finish()
  return Buffer.concat(chunks)
}

/** An origin that has what the table says for `list`, `latest`, a query or `v1.0.0.zip`, and counts what it is asked. */
export function tableOrigin(
  name: string,
  table: Record<string, Buffer | (() => Promise<Buffer>)>,
): Origin & { asked: string[] } {
  const asked: string[] = []
  async function give(what: string): Promise<Buffer> {
    asked.push(what)
    const found = table[what]
    if (found === undefined) throw new ModsteadError('not_found', `${name} has no ${what}`, { origin: name })
    return typeof found === 'function' ? found() : found
  }
  return {
    name,
    asked,
    speculative: true,
    async versions() {
      const lines = (await give('list')).toString().split('\n').filter(Boolean)
      return { versions: lines.map((version) => ({ version })) }
    },
    async resolve(_, query) {
      const bytes = await give(query === 'latest' ? query : `${query}.info`)
      return { bytes, version: (JSON.parse(bytes.toString()) as { Version: Version }).Version }
    },
    goMod: async (_, version) => ({ bytes: await give(`${version}.mod`) }),
    async zip(_, version) {
      const zip = await give(`${version}.zip`)
      return {
        size: zip.length,
        chunks: (async function* () {
          yield zip
        })(),
      }
    },
    close: () => Promise.resolve(),
  }
}

export interface RoomOptions {
  origins?: readonly Origin[]
  route?: Partial<RouteConfig>
  checksum?: ChecksumDatabase
  /** Stands between the room and its store. */
  wrap?: (store: ModuleStore) => ModuleStore
}

/** A proxy room with a data folder of its own, whose one private route takes uploads and asks the origins given. */
export async function openRoom(t: TestContext, options: RoomOptions = {}) {
  const { origins = [], route, checksum, wrap = (store) => store } = options
  const folder = await mkdtemp(join(tmpdir(), 'modstead-publish-'))
  const data = await openDataFolder(join(folder, 'data'), { version: '0.0.0-test' })
  const files = await openFileStore(data, { observer })
  const store = wrap(files)
  const catalog = await openSqliteCatalog(data.catalog, { observer })
  const checker = createZipChecker({ threads: 1, log: observer.log })
  const config: RouteConfig = {
    modules: [MODULE, 'go.corp.example/*/deep'],
    from: ['releases', ...origins.map(({ name }) => name)].map((origin) => ({ origin, then: 'any' })),
    private: true,
    checksum: checksum?.name ?? 'off',
    lookAhead: false,
    fresh: 60_000,
    staleWhileRevalidate: 3_600_000,
    absent: 10_000,
    ...route,
  }
  const router = createRouter(
    [config, { ...config, modules: ['*'], private: false, from: [{ origin: 'off', then: 'absent' }] }],
    new Map(origins.map((origin) => [origin.name, origin])),
    new Map(checksum === undefined ? [] : [[checksum.name, checksum]]),
    ['releases'],
  )
  const lookAhead = { concurrency: 0, bytes: 0, depth: 0 }
  const proxy = createModuleProxy({ router, store, catalog, checker, lookAhead, observer })
  const changes: Change[] = []
  proxy.onChange((change) => void changes.push(change))
  t.after(async () => {
    await proxy.close(AbortSignal.timeout(1_000))
    await catalog.close()
    await files.close()
    await data.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function get(request: ModuleRequest): Promise<Buffer> {
    const signal = new AbortController().signal
    const { body } = await proxy.serve(request, { signal, storedOnly: false, client: {} })
    if (body.kind === 'bytes') return body.bytes
    if (body.kind === 'file') return body.file.bytes()
    const chunks: Uint8Array[] = []
    for await (const chunk of body.zip.chunks(signal)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  return {
    proxy,
    store,
    catalog,
    observer,
    changes,
    get,
    list: async (module: ModulePath = MODULE) => (await get({ kind: 'list', module })).toString(),
    latest: async () =>
      (JSON.parse((await get({ kind: 'latest', module: MODULE })).toString()) as { Version: string }).Version,
    put: (zip: Buffer, given: { module?: string; version?: string; size?: number; sha256?: string } = {}) =>
      proxy.acts.publish({
        ...given,
        module: (given.module ?? MODULE) as ModulePath,
        version: (given.version ?? V1) as Version,
        who: 'ci',
        chunks: inPieces(zip),
      }),
    remove: (version: string = V1, module: string = MODULE) =>
      proxy.acts.delete({
        module: module as ModulePath,
        version: version as Version,
        who: 'ops',
        reason: 'a key was in it',
      }),
    /** Names of all module files in the store, and of temporary ones that stay: lists are written through some. */
    async stored(): Promise<string[]> {
      const found: string[] = []
      for (const realm of ['default', 'public'])
        for await (const { version, kind } of store.walk(realm)) found.push(`${version}.${kind}`)
      let temporary = await readdir(data.temporary)
      for (let i = 0; i < 100 && temporary.length > 0; i++) {
        await sleep(20)
        temporary = await readdir(data.temporary)
      }
      return [...found.sort(), ...temporary]
    },
  }
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
}
