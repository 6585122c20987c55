import { compilePatterns } from '@modstead/gomod/pattern'
import type { AuditEvent, EventType } from './event.ts'
import type { AuditFiles } from './files.ts'
import { eventIn } from './line.ts'
import { headOfSegment } from './recover.ts'
import { linesOf, textOf } from './walk.ts'

/** Which events are wanted; absent: all. Times are milliseconds since the epoch. */
export interface EventFilter {
  since?: number
  until?: number
  types?: readonly EventType[]
  /** As it stands in the log: every form that a mask may have given it. */
  principals?: readonly string[]
  /** GOPRIVATE-style patterns. */
  modules?: readonly string[]
  /** Of the event, the decision or the request. */
  id?: string
}

/** Where reading stands: behind everything that was given. */
export interface ReadPlace {
  segment: number
  at: number
}

/**
 * The events of a log in their order, some at a time. `place` is moved on with them, and says where to go on. Nothing is
 * verified: lines that are no event are passed over.
 */
export async function* readEvents(
  files: Pick<AuditFiles, 'read' | 'segments'>,
  filter: EventFilter,
  place: ReadPlace = { segment: 0, at: 0 },
): AsyncGenerator<AuditEvent[]> {
  const fits = matcherOf(filter)
  for (const { number } of await files.segments()) {
    if (number < place.segment) continue
    if (number > place.segment) Object.assign(place, { segment: number, at: 0 })
    if (place.at === 0 && (await endsBefore(files, number, filter.since))) continue
    for await (const lines of linesOf(files, number, place.at)) {
      const found: AuditEvent[] = []
      for (const bytes of lines) {
        if (bytes.at(-1) !== 0x0a) break
        place.at += bytes.length
        const event = eventIn(textOf(bytes))
        if (event !== undefined && fits(event)) found.push(event)
      }
      if (found.length > 0) yield found
    }
  }
}

/** Whether all of a segment was written before a time: the next one was begun before it. */
async function endsBefore(
  files: Pick<AuditFiles, 'read'>,
  number: number,
  since: number | undefined,
): Promise<boolean> {
  if (since === undefined) return false
  const next = await headOfSegment(files, number + 1)
  return next !== undefined && Date.parse(next.started) < since
}

function matcherOf(filter: EventFilter): (event: AuditEvent) => boolean {
  const { since = -Infinity, until = Infinity, types, principals, modules, id } = filter
  const patterns = modules && compilePatterns(modules)
  return (event) => {
    const at = Date.parse(event.timestamp)
    return (
      at >= since &&
      at < until &&
      types?.includes(event.event_type) !== false &&
      principals?.includes(event.user_principal) !== false &&
      patterns?.matches(event.module) !== false &&
      (id === undefined || [event.event_id, event.decision_id, event.request_id].includes(id))
    )
  }
}
