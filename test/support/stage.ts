import type { TestContext } from 'node:test'
import { createGoHome, type GoHome, type GoOptions } from './go.ts'
import { ask, type HttpAnswer, type HttpOptions } from './http.ts'
import { createModuleTree, type ModuleTree } from './module-tree.ts'
import { startModstead, type Modstead, type ModsteadOptions } from './modstead.ts'
import { createTestSumdb, type TestSumdb } from './sumdb.ts'
import { startUpstream, type Upstream, type UpstreamOptions } from './upstream.ts'

export interface StageOptions {
  /** What the upstream serves; default: an empty tree to put modules into. */
  tree?: ModuleTree
  upstream?: Partial<UpstreamOptions>
  /** More upstreams, asked after the first: each with the tree given. */
  others?: readonly ModuleTree[]
  /** Check against a test checksum database at a URL of its own; default true. */
  checksums?: boolean
  /** The same key for two stages. */
  sumdbSeed?: Buffer
  modstead?: ModsteadOptions & {
    /** Makes the text of the configuration file, for what has to name the upstream. */
    configOf?: (upstream: string) => string
  }
  /** The configuration names the upstreams: no `--upstream` is given. */
  configured?: boolean
  /** Joins the upstreams: `,` or `|`. */
  separator?: ',' | '|'
}

/** A modstead in front of loopback upstreams and a checksum database, and clients for it. */
export interface Stage {
  readonly tree: ModuleTree
  readonly upstream: Upstream
  readonly others: readonly Upstream[]
  /** The checksum database that is served; a test may put another in its place. */
  sumdb: TestSumdb
  /** The checksum database's own server. */
  readonly database: Upstream
  readonly modstead: Modstead
  /** A `go` that uses modstead as GOPROXY, and the test database through it. */
  go(options?: Partial<GoOptions>): Promise<GoHome>
  get(path: string, options?: HttpOptions): Promise<HttpAnswer>
  /** A new server process on the same data folder. The old one must have ended. */
  restart(options?: ModsteadOptions): Promise<Modstead>
  /** No upstream and no database can be reached any more. */
  disconnect(): Promise<void>
}

/** Sets a stage and takes it down after the test. */
export async function setStage(t: TestContext, options: StageOptions = {}): Promise<Stage> {
  const { checksums = true, separator = ',' } = options
  const tree = options.tree ?? createModuleTree()
  let sumdb = createTestSumdb({ tree, ...(options.sumdbSeed && { seed: options.sumdbSeed }) })
  const upstream = await startUpstream({ tree, ...options.upstream })
  t.after(() => upstream.close())
  const database = await startUpstream({ answer: (path) => sumdb.answer(path) })
  t.after(() => database.close())
  const others: Upstream[] = []
  for (const other of options.others ?? []) {
    const started = await startUpstream({ tree: other })
    t.after(() => started.close())
    others.push(started)
  }
  const { configOf, ...given } = options.modstead ?? {}
  const settings: ModsteadOptions = {
    ...(!options.configured && { upstream: [upstream, ...others].map(({ url }) => url).join(separator) }),
    ...given,
    ...(configOf && { config: configOf(upstream.url) }),
    env: { GOSUMDB: checksums ? sumdb.gosumdb(database.url) : 'off', ...given.env },
  }
  let modstead = await startModstead(settings)
  t.after(() => modstead.close())
  const { dataDir } = modstead
  return {
    tree,
    upstream,
    others,
    get sumdb() {
      return sumdb
    },
    set sumdb(other) {
      sumdb = other
    },
    database,
    get modstead() {
      return modstead
    },
    async go(wanted = {}) {
      const home = await createGoHome({
        proxy: modstead.url,
        sumdb: checksums ? sumdb.gosumdb() : 'off',
        ...wanted,
      })
      t.after(() => home.close())
      return home
    },
    get: (path, http) => ask(modstead.url, path, http),
    async restart(changes = {}) {
      const next = await startModstead({ ...settings, dataDir, ...changes })
      const former = modstead
      modstead = next
      t.after(() => former.close())
      return next
    },
    async disconnect() {
      for (const server of [upstream, database, ...others]) await server.down()
    },
  }
}
