import { createObserver } from '../observe/create-observer.ts'
import { reportJson } from '../verify/report-json.ts'
import { formatReport } from '../verify/report-text.ts'
import type { VerifyFlags } from '../verify/settings.ts'
import { type Result, verify } from '../verify/verify.ts'
import { type CommandContext, EXIT } from './context.ts'
import { reportFailure } from './failures.ts'

/** What the command line gives beside what is verified. */
export interface VerifyCommandFlags extends Omit<VerifyFlags, 'target'> {
  json?: boolean
}

/** Milliseconds between two lines of progress. */
const PACE = 100

/**
 * `modstead verify [go.sum|dir]`: tells which hashes of go.sum, the module cache, the checksum database and a modstead
 * differ, who is wrong, and what to do. Whatever keeps it from comparing is `notCompared`, never `failure`: that one
 * means a difference.
 */
export async function verifyModules(
  target: string | undefined,
  { json, ...flags }: VerifyCommandFlags,
  context: CommandContext,
): Promise<number> {
  const { env, cwd, home, stdout, stderr, events } = context
  const observer = createObserver({ level: 'error', format: 'text' }, { stdout: stderr, isTTY: false })
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new Error('interrupted'))
  for (const signal of SIGNALS) events.on(signal, interrupt)
  const progress = showProgress(stderr)
  try {
    const report = await verify({
      flags: { ...flags, ...(target !== undefined && { target }) },
      machine: { env, cwd, home, platform: process.platform },
      observer,
      signal: stop.signal,
      onProgress: progress.show,
    })
    progress.clear()
    stdout.write(json ? reportJson(report) : formatReport(report))
    return CODES[report.result]
  } catch (error) {
    progress.clear()
    if (stop.signal.aborted) {
      stderr.write('modstead: interrupted: not everything was compared.\n')
      return EXIT.notCompared
    }
    const code = reportFailure(context, error)
    return code === EXIT.failure ? EXIT.notCompared : code
  } finally {
    for (const signal of SIGNALS) events.off(signal, interrupt)
    observer.log.flush()
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

const CODES: Record<Result, number> = {
  agree: EXIT.ok,
  differences: EXIT.failure,
  not_compared: EXIT.notCompared,
}

/** One line that is written over, on terminals only. */
function showProgress(stderr: CommandContext['stderr']) {
  let shown = -Infinity
  return {
    show(done: number, all: number): void {
      const now = performance.now()
      if (stderr.isTTY !== true || (now - shown < PACE && done < all)) return
      shown = now
      stderr.write(`\r${done} of ${all} versions compared`)
    },
    clear(): void {
      if (shown > -Infinity) stderr.write('\r\u001b[K')
    },
  }
}
