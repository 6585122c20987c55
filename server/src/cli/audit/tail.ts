import { setTimeout } from 'node:timers/promises'
import type { AuditEvent } from '../../audit/event.ts'
import { readEvents } from '../../audit/read-events.ts'
import type { Flags } from '../../config/settings.ts'
import { ModsteadError } from '../../errors.ts'
import { escapeControls } from '../../observe/text-lines.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { watchForEnd } from '../process-end.ts'
import { type FilterFlags, filterOf } from './export.ts'
import { findAudit } from './local-audit.ts'

/** How often the files are looked at. Milliseconds. */
const EACH = 300
const USUAL = 20
const MOST = 10_000

/**
 * `modstead audit tail`: the newest events, and with `-f` those that come, until it is told to end. Throws as
 * `exportAudit`.
 */
export async function tailAudit(
  given: FilterFlags & { follow?: boolean; lines?: string; json?: boolean },
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const audit = await findAudit(flags, context)
  const filter = await filterOf(given, audit)
  const most = countOf(given.lines)
  const show = (events: readonly AuditEvent[]): void => {
    const texts = events.map((event) => (given.json === true ? JSON.stringify(event) : asText(event)))
    if (texts.length > 0) context.stdout.write(`${texts.join('\n')}\n`)
  }
  // The events of the last two segments are enough, or all where somebody asks for times.
  const segments = await audit.files.segments()
  const place = { segment: filter.since === undefined ? (segments.at(-2)?.number ?? 0) : 0, at: 0 }
  let newest: AuditEvent[] = []
  for await (const found of readEvents(audit.files, filter, place))
    newest = [...newest, ...found].slice(-most)
  show(newest)
  if (given.follow !== true) return EXIT.ok
  const watch = watchForEnd(context.events)
  try {
    for (;;) {
      const ended = await Promise.race([watch.first.then(() => true), setTimeout(EACH, false)])
      if (ended) return EXIT.ok
      for await (const found of readEvents(audit.files, filter, place)) show(found)
    }
  } finally {
    watch.dispose()
  }
}

function countOf(text: string | undefined): number {
  if (text === undefined) return USUAL
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MOST) return count
  throw new ModsteadError(
    'config_invalid',
    `--lines: expected a number from 1 to ${MOST}, found ${JSON.stringify(text)}`,
  )
}

/** One line for a person: clients choose some of the texts. */
function asText(event: AuditEvent): string {
  const {
    timestamp,
    event_type: type,
    auth_result: result,
    client_ip: ip,
    kind,
    module,
    version,
    status,
  } = event
  const who = event.user_principal === '' ? '-' : `${event.principal_kind}:${event.user_principal}`
  const what = module === '' ? event.action : `${kind} ${module}${version === '' ? '' : `@${version}`}`
  const parts = [
    timestamp,
    type,
    result,
    who,
    ip,
    status === 0 ? '' : String(status),
    what,
    event.code,
    event.detail,
  ]
  return escapeControls(parts.filter((part) => part !== '').join('  '))
}
