import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'

/** The servers' CPU and that of the load. Absent on machines with one CPU or without `taskset`. */
export const CPUS: { server: number; load: number } | undefined =
  cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0
    ? { server: 0, load: 1 }
    : undefined

/** A command that runs on one CPU, or as it is where nothing can be pinned. */
export function pinned(cpu: 'server' | 'load', command: readonly string[]): string[] {
  return CPUS === undefined ? [...command] : ['taskset', '-c', String(CPUS[cpu]), ...command]
}

/** What stands in the report about the machine. */
export function machine(): { cpus: number; model: string; node: string; pinned: boolean } {
  const model = cpus()[0]?.model ?? 'unknown'
  return {
    cpus: Math.max(availableParallelism(), cpus().length),
    model,
    node: process.version,
    pinned: CPUS !== undefined,
  }
}

/** Runs a pinned command to its end and gives its stdout. Throws with its stderr when it fails. */
export function runPinned(cpu: 'server' | 'load', command: readonly string[]): Promise<string> {
  return run(pinned(cpu, command))
}

/** The same on all CPUs that there are: for what has threads and needs no load beside it. */
export function runProgram(command: readonly string[]): Promise<string> {
  return run(CPUS === undefined ? command : ['taskset', '-c', Object.values(CPUS).join(','), ...command])
}

async function run(command: readonly string[]): Promise<string> {
  const [file = '', ...args] = command
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${String(code)}: ${stderr}`)
  return stdout
}

/** Starts a pinned server that writes its port as the first line. */
export async function startPinned(
  command: readonly string[],
): Promise<{ port: number; pid: number; stop(): Promise<void> }> {
  const [file = '', ...args] = pinned('server', command)
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`${command.join(' ')} ended with ${code}`)))
    child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(Number.parseInt(text, 10)))
  })
  return { port, pid: child.pid!, stop: () => stopChild(child) }
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGTERM')
  await gone
}
