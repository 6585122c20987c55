import { setTimeout as delay } from 'node:timers/promises'
import type { LoadedConfig } from '../config/load.ts'
import type { Flags } from '../config/settings.ts'
import type { Logger } from '../observe/observer.ts'
import { formatBanner, startFacts } from './banner.ts'
import { type CommandContext, EXIT, type RunningServer } from './context.ts'
import { reportFailure } from './failures.ts'
import { type End, type EndWatch, watchForEnd } from './process-end.ts'
import { readConfig } from './read-config.ts'

/** How much longer than the configured grace closing everything may take. Milliseconds. */
const MARGIN = 5000
/** After a crash the process is not to be trusted for long. Milliseconds. */
const CRASH_GRACE = 5000

/**
 * `modstead serve`: runs until SIGTERM or SIGINT (exit code 0), a crash or a second signal (1). A start that fails is
 * 1, a configuration with mistakes 2; both are said on standard error. SIGHUP makes it read the files of `tls` again;
 * on a terminal it means that the window is gone, and ends it as it ends any program.
 */
export async function serve(flags: Flags, context: CommandContext): Promise<number> {
  const loaded = await readConfig(context, flags)
  const { createObserver } = await import('../observe/create-observer.ts')
  const { stdout, version } = context
  const { config, warnings } = loaded
  const colour = stdout.hasColors?.() ?? false
  const observer = createObserver(config.log, { stdout, isTTY: stdout.isTTY === true, colour })
  const watch = watchForEnd(context.events)
  let running: RunningServer | undefined
  const onHangUp = (): void => void running?.reload?.()
  if (stdout.isTTY !== true) context.events.on('SIGHUP', onHangUp)
  try {
    for (const warning of warnings) observer.log.warn({}, warning)
    const starting = context.start({ config, observer, env: context.env, version })
    const started = await Promise.race([
      starting.then((server) => ({ server })),
      watch.first.then((end) => ({ end })),
    ])
    if ('server' in started) {
      running = started.server
      announce(loaded, started.server, context, observer.log)
      return await stop(await watch.first, started.server, {
        watch,
        log: observer.log,
        grace: config.shutdownGrace,
      })
    }
    return await stop(started.end, starting, { watch, log: observer.log, grace: config.shutdownGrace })
  } catch (error) {
    return reportFailure(context, error, { detailed: config.log.level === 'debug' })
  } finally {
    watch.dispose()
    context.events.off('SIGHUP', onHangUp)
    observer.log.flush()
  }
}

function announce(
  { config, sources }: LoadedConfig,
  { addresses }: RunningServer,
  { stdout, version }: CommandContext,
  log: Logger,
): void {
  const facts = startFacts({ config, addresses, sources, version })
  if (stdout.isTTY === true && config.log.format !== 'json')
    stdout.write(formatBanner(facts, { colour: stdout.hasColors?.() ?? false }))
  else log.info(facts, 'modstead is ready')
}

/** Ends a server, or one that is still starting, and gives the exit code. */
async function stop(
  end: End,
  server: RunningServer | Promise<RunningServer>,
  { watch, log, grace }: { watch: EndWatch; log: Logger; grace: number },
): Promise<number> {
  const crashed = end.kind === 'crash'
  if (crashed)
    log.error({ error: end.error, event: end.event }, 'an error that nobody handled; modstead ends')
  else log.info({ signal: end.signal, graceSeconds: grace / 1000 }, 'stopping: running requests may finish')
  const limit = crashed ? Math.min(grace, CRASH_GRACE) : grace + MARGIN
  const timer = new AbortController()
  const outcome = await Promise.race([
    Promise.resolve(server)
      .then((running) => running.stop())
      .then(() => 'stopped' as const),
    watch.second.then(() => 'second signal' as const),
    delay(limit, 'too late' as const, { signal: timer.signal }),
  ])
  timer.abort()
  if (outcome === 'stopped') log.info({}, 'stopped')
  else log.error({ reason: outcome }, 'stopped at once; requests were cut off')
  return outcome === 'stopped' && !crashed ? EXIT.ok : EXIT.failure
}
