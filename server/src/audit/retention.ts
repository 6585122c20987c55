import { formatDuration, formatSize } from '../config/units.ts'
import type { AuditFiles } from './files.ts'
import { headOfSegment } from './recover.ts'
import type { Writer } from './writer.ts'

export interface RetentionOptions {
  files: AuditFiles
  /** Bytes that the log may take on disk. */
  disk: number
  /** How long a closed segment is kept at least. Milliseconds. */
  keep: number
  /** The oldest segment that somebody still has to read; Infinity where nobody has to. */
  needed: () => number
  now?: () => number
}

/** How much of the log is kept. What is younger than `keep`, or not yet delivered, is never deleted. */
export interface Retention {
  /** The part of `disk` that it takes with `waiting` bytes that are to be written; 1 or more: it is full. */
  fill(waiting: number): number
  /** Why, where it is full. */
  readonly reason: string
  bytes(): number
  warning(waiting: number): string | undefined
  /**
   * Counts what is there, and deletes what was allowed to go at the look before, so that its end is recorded first. Gives
   * the number of the last segment that goes next, if any does.
   */
  look(writer: Pick<Writer, 'segment' | 'position'>): Promise<number | undefined>
}

/** From which part of `disk` on there is a warning. */
const NEARLY = 0.8

export function createRetention({ files, disk, keep, needed, now = Date.now }: RetentionOptions): Retention {
  let closed = 0
  let current: Pick<Writer, 'segment' | 'position'> = { segment: 0, position: 0 }
  let announced = 0
  const bytes = (): number => closed + current.position
  const fill = (waiting: number): number => (bytes() + waiting) / disk

  return {
    fill,
    get reason() {
      return `the audit log takes ${formatSize(disk)}, all that audit.disk allows, and nothing of it is older than ${formatDuration(keep)} and delivered`
    },
    bytes,
    warning: (waiting) =>
      fill(waiting) >= NEARLY
        ? `the audit log takes ${Math.floor(100 * fill(waiting))} % of what audit.disk allows`
        : undefined,
    async look(writer) {
      current = writer
      const segments = await files.segments()
      const old = segments.filter(({ number }) => number < writer.segment)
      const gone = new Set<number>()
      let next = 0
      for (const { number } of old) {
        if (number >= needed()) break
        // It was closed when the next one was begun.
        const head = await headOfSegment(files, number + 1)
        if (head === undefined || now() - Date.parse(head.started) < keep) break
        if (number <= announced) {
          await files.remove(number)
          gone.add(number)
        } else next = number
      }
      closed = old.reduce((sum, { number, bytes }) => (gone.has(number) ? sum : sum + bytes), 0)
      if (next <= announced) return undefined
      announced = next
      return next
    },
  }
}
