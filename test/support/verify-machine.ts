// What the tests of `modstead verify` share.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type CommandResult, runCommand } from './command.ts'
import type { GoHome } from './go.ts'
import { setStage, type Stage, type StageOptions } from './stage.ts'
import { makeModule, putModule } from './test-module.ts'

export const A = makeModule({ module: 'example.com/A', version: 'v1.0.0' })
export const B = makeModule({ module: 'example.com/b', version: 'v1.2.0' })
/** B with other contents. */
export const EVIL = makeModule({
  module: B.module,
  version: B.version,
  files: { 'lib.go': 'package lib // evil\n' },
})
/** An h1 that is none of theirs. */
export const OTHER = `h1:${'A'.repeat(43)}=`

/** What `--json` prints. */
export interface VerifyReport {
  format: number
  result: string
  database: string | null
  proxy: string | null
  versions: Record<string, number>
  findings: {
    kind: string
    path: string | null
    version: string | null
    artifact: string | null
    wrong: string[]
    claims: { side: string; hash: string; where: string }[]
    message: string
    steps: { text: string; commands: string[] }[]
    details?: string
    security: boolean
  }[]
}

/** A machine on which `go` has downloaded a project. */
export interface VerifyMachine {
  stage: Stage
  go: GoHome
  project: string
  env: Record<string, string>
  /** A file of the module cache, by its path below `cache/download`. */
  file(path: string): string
  verify(args?: readonly string[], env?: Record<string, string>): Promise<CommandResult>
  json(
    args?: readonly string[],
    env?: Record<string, string>,
  ): Promise<VerifyReport & { code: number | null }>
}

/** A project that uses A and B, downloaded by `go` through a modstead. */
export async function setMachine(t: TestContext, options: StageOptions = {}): Promise<VerifyMachine> {
  const stage = await setStage(t, options)
  for (const made of [A, B]) putModule(stage.tree, made)
  const go = await stage.go()
  const project = await go.project()
  await go.ok(['get', `${A.module}@${A.version}`, `${B.module}@${B.version}`], { cwd: project })
  const env = {
    GOENV: 'off',
    GOPROXY: stage.modstead.url,
    GOSUMDB: options.checksums === false ? 'off' : stage.sumdb.gosumdb(),
    GOMODCACHE: go.modCache,
    GOPATH: join(go.folder, 'gopath'),
  }
  const verify = (args: readonly string[] = [], more = {}) =>
    runCommand(['verify', ...args], { cwd: project, env: { ...env, ...more } })
  return {
    stage,
    go,
    project,
    env,
    file: (path) => join(go.modCache, 'cache', 'download', path),
    verify,
    async json(args = [], more = {}) {
      const { code, stdout, stderr } = await verify(['--json', ...args], more)
      assert.equal(stderr, '')
      return { ...(JSON.parse(stdout) as VerifyReport), code }
    },
  }
}

/** `kind: sides that are wrong`, a line each. */
export function summary({ findings }: VerifyReport): string[] {
  return findings.map(({ kind, artifact, wrong }) => `${kind} ${artifact ?? '-'}: ${wrong.join(' ')}`)
}
