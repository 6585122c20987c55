import { spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { formatSumRecord } from '@modstead/gomod/sumdb/lookup'
import type { LogEntry } from '../../server/src/sumdb/log/storage.ts'
import { createGoHome } from './go.ts'

/** golang.org/x/mod's own client, in a small Go program that keeps what a developer's machine keeps. */
export interface GoSumdbClient {
  /** Gives an order (see sumdb-client/main.go); throws what the client says where it refuses. */
  order(...words: readonly (string | number)[]): Promise<void>
  close(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./sumdb-client/main.go', import.meta.url))
const GO_MOD =
  'module example.com/client\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./mod\n'

/** Builds the program against the copy of golang.org/x/mod that the machine's `go` itself was built from, and runs it. */
export async function startGoSumdbClient({
  name,
  vkey,
}: {
  name: string
  vkey: string
}): Promise<GoSumdbClient> {
  const home = await createGoHome({ proxy: 'off' })
  try {
    const goroot = (await home.ok(['env', 'GOROOT'])).trim()
    const project = join(home.folder, 'client')
    await mkdir(project)
    await cp(join(goroot, 'src/cmd/vendor/golang.org/x/mod'), join(project, 'mod'), { recursive: true })
    await writeFile(join(project, 'mod/go.mod'), 'module golang.org/x/mod\n\ngo 1.24\n')
    await writeFile(join(project, 'go.mod'), GO_MOD)
    await cp(PROGRAM, join(project, 'main.go'))
    await home.ok(['build', '-o', 'client', '.'], { cwd: project })
    return run(join(project, 'client'), [name, vkey, '8'], home.close)
  } catch (error) {
    await home.close()
    throw error
  }
}

function run(program: string, args: readonly string[], clean: () => Promise<void>): GoSumdbClient {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve, reject) => child.on('error', reject).on('close', () => resolve()))
  return {
    async order(...words) {
      child.stdin.write(`${words.join(' ')}\n`)
      const { value: answer = 'error it has ended' } = (await answers.next()) as { value?: string }
      if (answer !== 'ok') throw new Error(answer)
    },
    async close() {
      child.stdin.end()
      await ended
      await clean()
    },
  }
}

/** What the log has as number `n`, as the program expects it: all kinds of names and versions that need escapes. */
export function numberedEntry(n: number): LogEntry {
  const targets = [
    [`corp.example/m${n}`, 'v1.0.0'],
    [`corp.example/Upper/M${n}`, 'v1.0.0-RC.1'],
    [`corp.example/m${n}`, 'v3.0.0+incompatible'],
    [`corp.example/m${n}/v2`, 'v2.0.1-0.20260102030405-0123456789ab'],
  ] as const
  const [module, version] = targets[n % 4]!
  return { module, version, record: formatSumRecord(module, version, h1(n, 'zip'), h1(n, 'mod')) }
}

function h1(n: number, kind: string): string {
  return `h1:${hash('sha256', `${n} ${kind}`, 'base64')}`
}
