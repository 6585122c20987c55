/**
 * The process of `git-helper.ts`: runs git when told to, and ends with the server, in whatever way that ends.
 */
import { ModsteadError } from '../../../errors.ts'
import { errorCode } from '../../../disk-errors.ts'
import type { HelperReport, HelperTask } from './git-helper.ts'
import { GitStopped, runGit } from './run-git.ts'

const running = new Map<number, AbortController>()

function say(report: HelperReport): void {
  // Where the channel is broken the server has ended, and so does this process.
  if (process.connected) process.send!(report, undefined, undefined, () => undefined)
}

async function work(task: Extract<HelperTask, { run: unknown }>): Promise<HelperReport> {
  const { id, run } = task
  const ended = new AbortController()
  running.set(id, ended)
  try {
    return { id, outcome: await runGit({ ...run, signal: ended.signal }) }
  } catch (error) {
    if (error instanceof GitStopped) return { id, stopped: error.reason }
    const code = error instanceof ModsteadError ? undefined : errorCode(error)
    const failed = error instanceof Error ? error.message : String(error)
    return { id, failed, ...(code !== undefined && { code }) }
  } finally {
    running.delete(id)
  }
}

process.on('message', (task: HelperTask) => {
  if ('stop' in task) running.get(task.id)?.abort()
  else void work(task).then(say)
})
process.on('disconnect', () => {
  for (const ended of running.values()) ended.abort()
  process.exit()
})
say('ready')
