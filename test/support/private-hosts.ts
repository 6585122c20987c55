import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import type { TestContext } from 'node:test'
import { startTestSshServer } from '../../server/src/origin/git/test-ssh-server.ts'
import { startGitHttp, type GitHttpOptions, type GitHttpServer } from './git-http.ts'
import { createGitRepository, type GitCommit, type GitRepository } from './git-repositories.ts'
import { setStage, type Stage, type StageOptions } from './stage.ts'

/** A company's git hosts: one of each kind of remote, and a modstead that serves modules from them. */
export interface PrivateHosts {
  stage: Stage
  /** The text of the configuration, for an upstream. */
  configOf(upstream: string): string
  /** The environment that it needs. */
  env: Record<string, string>
  /** The host of `corp.example/*`, which wants a token. */
  http: GitHttpServer
  /** Makes a repository: `http/lib` is corp.example/lib, `ssh/lib` ssh.corp.example/lib, `file/lib` file.corp.example/lib. */
  repository(name: string, commits: readonly GitCommit[]): Promise<{ git: GitRepository; hashes: string[] }>
  /** Deletes all repositories, and ends the hosts. */
  disappear(): Promise<void>
}

/** The password that the http host wants of `oauth2`. */
export const TOKEN = 'glpat-a-token-of-the-test'

/** `ssh: false` leaves that host out. */
export async function startPrivateHosts(
  t: TestContext,
  options: {
    ssh?: boolean
    /** More lines of the configuration of the git origin, indented by four. */
    origin?: string
    /** More of the configuration, at its top level. */
    more?: string
    /** More of the route of these hosts; default: `fresh: 1s, staleWhileRevalidate: 1s`. */
    route?: string
    intercept?: GitHttpOptions['intercept']
    stage?: StageOptions
  } = {},
): Promise<PrivateHosts> {
  const root = await mkdtemp(join(tmpdir(), 'modstead-hosts-'))
  t.after(() => rm(root, { recursive: true, force: true, maxRetries: 5 }))
  const http = await startGitHttp({
    root: join(root, 'http'),
    credential: { user: 'oauth2', password: TOKEN },
    ...(options.intercept && { intercept: options.intercept }),
  })
  t.after(() => http.close())
  const ssh =
    options.ssh === false
      ? undefined
      : await startTestSshServer({ folder: join(root, 'sshd'), root: join(root, 'ssh') })
  t.after(() => ssh?.close())
  const mappings = [
    `corp.example/*: ${http.url}/{path}.git`,
    `file.corp.example/*: ${pathToFileURL(join(root, 'file')).href}/{path}.git`,
    ...(ssh === undefined ? [] : [`ssh.corp.example/*: ${ssh.url}/{path}.git`]),
  ]
  const credentials = [
    `{ for: "127.0.0.1:${http.port}", token: "\${GIT_TOKEN}" }`,
    ...(ssh === undefined
      ? []
      : [`{ for: "127.0.0.1:${ssh.port}", sshKey: ${ssh.key}, knownHosts: ${ssh.knownHosts} }`]),
  ]
  const list = (lines: readonly string[], mark = ''): string =>
    lines.map((line) => `      ${mark}${line}\n`).join('')
  const route = options.route ?? 'fresh: 1s, staleWhileRevalidate: 1s'
  const configOf = (upstream: string): string => `origins:
  public: { url: "${upstream}" }
  git:
    type: git
    repositories:
${list(mappings)}    credentials:
${list(credentials, '- ')}${options.origin ?? ''}
routes:
  - { modules: [corp.example, "*.corp.example"], from: [git], private: true, ${route} }
  - { modules: ["*"], from: [public] }
${options.more ?? ''}`
  const env = { GIT_TOKEN: TOKEN, MODSTEAD_LOG_FORMAT: 'json', ...options.stage?.modstead?.env }
  const stage = await setStage(t, {
    ...options.stage,
    configured: true,
    modstead: {
      ...options.stage?.modstead,
      configOf,
      env,
    },
  })
  const made: GitRepository[] = []
  return {
    stage,
    configOf,
    env,
    http,
    async repository(name, commits) {
      const git = await createGitRepository({ folder: join(root, `${name}.git`) })
      made.push(git)
      return { git, hashes: commits.length === 0 ? [] : await git.commit(...commits) }
    },
    async disappear() {
      for (const git of made) await git.remove()
      await http.close()
      await ssh?.close()
    },
  }
}

/** A folder with nothing in it but `go`: the PATH of a client that has no git. */
export async function pathWithoutGit(t: TestContext): Promise<{ PATH: string; GOROOT: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-path-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const goRoot = execFileSync('go', ['env', 'GOROOT']).toString().trim()
  await symlink(join(goRoot, 'bin', 'go'), join(folder, 'go'))
  return { PATH: folder, GOROOT: goRoot }
}
