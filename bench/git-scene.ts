import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startGitHttp, type GitHttpServer } from '../test/support/git-http.ts'
import { createGitRepository, type GitRepository } from '../test/support/git-repositories.ts'
import { createGoHome, type GoHome } from '../test/support/go.ts'
import { ask } from '../test/support/http.ts'
import { startModstead, type Modstead, type ModsteadOptions } from '../test/support/modstead.ts'
import { fastFolder } from './go-run.ts'
import { CPUS } from './pinned.ts'

/** How repositories are reached. */
export type Transport = 'http' | 'file'

/** A modstead on the servers' CPU, and a `go` on the same, before the same repositories of one host. */
export interface GitScene {
  modstead: Modstead
  git: GitHttpServer
  /** Makes the empty repository of the module `github.com/bench/NAME`: both sides know where such are without asking. */
  repository(name: string): Promise<GitRepository>
  /** A `go` that asks the repositories itself, with nothing at hand. */
  direct(): Promise<GoHome>
  /** A `go` that asks modstead, with nothing at hand. */
  through(): Promise<GoHome>
  close(): Promise<void>
}

const HOST = 'github.com/bench'

export function moduleOf(name: string): string {
  return `${HOST}/${name}`
}

export async function setGitScene(
  transport: Transport,
  modsteadOptions: ModsteadOptions = {},
): Promise<GitScene> {
  const root = await mkdtemp(join(tmpdir(), 'modstead-bench-git-'))
  const git = await startGitHttp({ root })
  const base = transport === 'http' ? git.url : pathToFileURL(root).href
  const config = [
    `origins: { git: { type: git, repositories: { "${HOST}/*": "${base}/{path}" } } }`,
    'routes: [{ modules: ["*"], from: [git], private: true }]',
    '',
  ].join('\n')
  const settings = { config, ...(CPUS && { cpu: CPUS.server }), ...modsteadOptions }
  const modstead = await startModstead(settings).catch(async (error: unknown) => {
    await git.close()
    throw error
  })
  const homes: GoHome[] = []

  async function home(proxy: string, env: Record<string, string>): Promise<GoHome> {
    const cpus = CPUS && String(CPUS.server)
    const made = await createGoHome({ proxy, env, parent: await fastFolder(), ...(cpus && { cpus }) })
    homes.push(made)
    return made
  }

  return {
    modstead,
    git,
    repository: (name) => createGitRepository({ folder: join(root, name) }),
    direct: () =>
      home('direct', {
        GOVCS: '*:git',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: `url.${base}/.insteadOf`,
        GIT_CONFIG_VALUE_0: `https://${HOST}/`,
      }),
    through: () => home(modstead.url, {}),
    async close() {
      await modstead.close()
      await git.close()
      for (const made of homes) await made.close()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Asks for the three files of a version one after the other, as `go mod download` does. Gives milliseconds. */
export async function askVersion({ modstead }: GitScene, module: string, version: string): Promise<number> {
  const started = performance.now()
  for (const kind of ['info', 'mod', 'zip']) await askFile(modstead, module, `${version}.${kind}`)
  return performance.now() - started
}

export async function askFile({ url }: Modstead, module: string, file: string): Promise<Buffer> {
  const { status, complete, body } = await ask(url, `/${module}/@v/${file}`)
  if (status === 200 && complete) return body
  throw new Error(`${module} ${file} gave ${status}: ${body.toString('utf8', 0, 500)}`)
}

/** `go mod download` of some versions of a module. Gives milliseconds. */
export async function download(go: GoHome, module: string, ...versions: string[]): Promise<number> {
  const { code, stderr, took } = await go.run([
    'mod',
    'download',
    ...versions.map((version) => `${module}@${version}`),
  ])
  if (code !== 0) throw new Error(`go mod download ${module} ended with ${code}: ${stderr.slice(-2000)}`)
  return took
}

/** A figure that modstead tells of itself at `/metrics`, by its name with labels. */
export async function readMetric({ url }: Modstead, name: string): Promise<number> {
  const text = (await ask(url, '/metrics')).body.toString()
  const line = text.split('\n').find((line) => line.startsWith(`${name} `))
  return line === undefined ? 0 : Number(line.slice(name.length + 1))
}
