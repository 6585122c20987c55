import { checkPattern } from '@modstead/gomod/pattern'
import { csvHead, csvLine } from '../../audit/csv.ts'
import { EVENT_TYPES, type EventType } from '../../audit/event.ts'
import { type EventFilter, readEvents } from '../../audit/read-events.ts'
import type { Flags } from '../../config/settings.ts'
import { parseDuration } from '../../config/units.ts'
import { ModsteadError } from '../../errors.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { findAudit, formsOf, type LocalAudit } from './local-audit.ts'

export interface FilterFlags {
  since?: string
  until?: string
  type?: string
  principal?: string
  module?: string
  id?: string
}

/**
 * `modstead audit export`: the events that fit, as the log has them or as CSV. Throws `config_invalid` for bad flags,
 * `not_found` and `store_unavailable`.
 */
export async function exportAudit(
  { csv = false, ...given }: FilterFlags & { csv?: boolean },
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const audit = await findAudit(flags, context)
  const filter = await filterOf(given, audit)
  if (csv) context.stdout.write(csvHead())
  for await (const found of readEvents(audit.files, filter)) {
    const texts = found.map((event) => (csv ? csvLine(event) : `${JSON.stringify(event)}\n`))
    await written(context, texts.join(''))
  }
  return EXIT.ok
}

/** A pipe that is read slowly must not make the memory grow. */
async function written({ stdout }: CommandContext, text: string): Promise<void> {
  const room = stdout.write(text)
  if (room !== false || !('once' in stdout)) return
  const { once } = stdout as { once(event: 'drain' | 'close', listener: () => void): void }
  await new Promise<void>((resolve) => {
    once.call(stdout, 'drain', resolve)
    once.call(stdout, 'close', resolve)
  })
}

export async function filterOf(given: FilterFlags, audit: LocalAudit): Promise<EventFilter> {
  const { since, until, type, principal, module, id } = given
  return {
    ...(since !== undefined && { since: timeOf('since', since) }),
    ...(until !== undefined && { until: timeOf('until', until) }),
    ...(type !== undefined && { types: typesIn(type) }),
    ...(principal !== undefined && { principals: await formsOf(audit, principal) }),
    ...(module !== undefined && { modules: patternsIn(module) }),
    ...(id !== undefined && { id }),
  }
}

/** A time, or how long ago. */
function timeOf(flag: string, text: string): number {
  const ago = parseDuration(text)
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
  const time = ago === undefined ? (isDate ? Date.parse(text) : NaN) : Date.now() - ago
  if (!Number.isNaN(time)) return time
  throw new ModsteadError(
    'config_invalid',
    `--${flag}: expected a day (2026-11-26), a time (2026-11-26T08:00:00Z) or how long ago (2h), found ${JSON.stringify(text)}`,
  )
}

function typesIn(text: string): EventType[] {
  return text.split(',').map((word) => {
    const found = EVENT_TYPES.find((type) => type === word.trim())
    if (found !== undefined) return found
    throw new ModsteadError(
      'config_invalid',
      `--type: expected some of ${EVENT_TYPES.join(', ')}, found ${JSON.stringify(word)}`,
    )
  })
}

function patternsIn(text: string): string[] {
  return text.split(',').map((part) => {
    const problem = checkPattern(part.trim())
    if (problem === undefined) return part.trim()
    throw new ModsteadError(
      'config_invalid',
      `--module: the pattern ${JSON.stringify(part)} cannot be used: ${problem}`,
    )
  })
}
