import { z } from 'zod'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { AuditEvent } from './event.ts'
import type { AuditFiles } from './files.ts'
import { type ReadPlace, readEvents } from './read-events.ts'
import type { AuditSink } from './sink.ts'
import type { Writer } from './writer.ts'

/** What keeps a sink supplied. */
export interface Delivery {
  readonly name: string
  /** The oldest segment that it has not read to its end. */
  segment(): number
  /** Events that are written and not delivered. */
  lag(): number
  /** To be called when something was written. Never waits. */
  wake(): void
  warning(): string | undefined
  /** Sends what there is for at most `graceMs`; what is left is sent after the next start. */
  close(graceMs: number): Promise<void>
}

export interface DeliveryOptions {
  files: AuditFiles
  sink: AuditSink
  writer: Pick<Writer, 'segment' | 'position' | 'seq'>
  observer: Observer
  /** For tests: how long it waits after failures, at first and at most. Milliseconds. */
  pause?: { first: number; most: number }
  /** How often a batch is refused for good before it is put aside. Default: 50. */
  refusals?: number
}

const cursorSchema = z.strictObject({ segment: z.int().min(0), at: z.int().min(0), seq: z.int().min(0) })
type Cursor = z.output<typeof cursorSchema>

/** How long a sink may take for one batch; how long it is left alone after failures, twice as long after each. */
const DEADLINE = 30_000
const PAUSE = { first: 1_000, most: 60_000 }
/** With the pauses that is most of an hour: time to mend the receiver. */
const REFUSALS = 50
/** How often the cursor is written. Milliseconds. */
const NOTED = 1_000
/** From when on a sink that takes nothing is told of at /readyz, and how often in the log. Milliseconds. */
const LATE = 60_000

/**
 * Reads the files of the log behind the writer, and sends what it finds to a sink: in order, at least once. Where it
 * stands is kept in a file, so that a restart goes on there; a sink that is new begins with what comes from then on.
 */
export async function openDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { files, sink, writer, observer, pause = PAUSE, refusals = REFUSALS } = options
  const { log } = observer
  const file = `cursor-${sink.name}`
  const delivered = observer.counter('modstead_audit_delivered_total', 'Events that a sink took.', ['sink'])
  const failures = observer.counter(
    'modstead_audit_delivery_failures_total',
    'Batches that a sink did not take.',
    ['sink'],
  )
  const aside = observer.counter(
    'modstead_audit_rejected_total',
    'Events that a sink refused for good, and that were put aside.',
    ['sink'],
  )
  /** The batch that is refused, by the number of its first event. */
  let poison = { seq: 0, times: 0 }
  const cursor = await readCursor()
  const closing = new AbortController()
  let failing: { since: number; reason: string; told: number } | undefined
  let noted = performance.now()
  let awake = Promise.withResolvers<void>()
  let interrupt: (() => void) | undefined
  const running = run()

  async function readCursor(): Promise<Cursor> {
    const here = { segment: writer.segment, at: writer.position, seq: writer.seq }
    const text = await files.readSmall(file)
    const kept = text === undefined ? undefined : cursorSchema.safeParse(jsonIn(text)).data
    if (kept === undefined) {
      await files.writeSmall(file, JSON.stringify(here))
      return here
    }
    // What a crash cut off is there no more, and its place has other events now.
    const isAhead = kept.segment > here.segment || (kept.segment === here.segment && kept.at > here.at)
    return isAhead ? here : kept
  }

  async function note(now: boolean): Promise<void> {
    if (!now && performance.now() - noted < NOTED) return
    noted = performance.now()
    await files.writeSmall(file, JSON.stringify(cursor))
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      awake = Promise.withResolvers()
      try {
        await sendAll()
        await note(true)
        await awake.promise
      } catch (error) {
        if (closing.signal.aborted) break
        noteFailure(error)
        await wait(Math.min(pause.most, pause.first * 2 ** Math.min(10, tries++)))
      }
    }
  }

  let tries = 0

  /** Everything that is written by now. */
  async function sendAll(): Promise<void> {
    const place: ReadPlace = { segment: cursor.segment, at: cursor.at }
    for await (const events of readEvents(files, {}, place)) {
      const last = events.at(-1)!
      // The end of a file may have been given before, where a batch failed in the middle.
      const fresh = events.filter(({ seq }) => seq > cursor.seq)
      for (let i = 0; i < fresh.length; i += sink.batch) {
        const batch = fresh.slice(i, i + sink.batch)
        await sendOrPutAside(batch)
        cursor.seq = batch.at(-1)!.seq
      }
      Object.assign(cursor, { ...place, seq: Math.max(cursor.seq, last.seq) })
      await note(false)
    }
    Object.assign(cursor, place)
  }

  async function sendOne(batch: readonly AuditEvent[]): Promise<void> {
    await sink.send(batch, AbortSignal.any([closing.signal, deadline()]))
    delivered.add(batch.length, sink.name)
    tries = 0
    if (failing !== undefined) log.info({ sink: sink.name }, 'events of the audit log are delivered again')
    failing = undefined
  }

  /** What a receiver refuses again and again must not keep all that comes after it. */
  async function sendOrPutAside(batch: readonly AuditEvent[]): Promise<void> {
    const { seq } = batch[0]!
    try {
      await sendOne(batch)
    } catch (error) {
      if (!(error instanceof ModsteadError) || error.code !== 'upstream_invalid') throw error
      poison = { seq, times: poison.seq === seq ? poison.times + 1 : 1 }
      if (poison.times < refusals) throw error
      const name = `${sink.name}-${seq}-${batch.at(-1)!.seq}.jsonl`
      const file = await files.putAside(name, batch.map((event) => `${JSON.stringify(event)}\n`).join(''))
      aside.add(batch.length, sink.name)
      log.error(
        { err: error, sink: sink.name, file, events: batch.length },
        'events of the audit log are refused for good, and were put aside',
      )
      tries = 0
    }
  }

  function noteFailure(error: unknown): void {
    const now = performance.now()
    failures.add(1, sink.name)
    failing ??= { since: now, reason: '', told: -Infinity }
    failing.reason = error instanceof Error ? error.message : String(error)
    if (now - failing.told < LATE) return
    failing.told = now
    log.warn({ err: error, sink: sink.name, waiting: lag() }, 'events of the audit log cannot be delivered')
  }

  function lag(): number {
    return Math.max(0, writer.seq - cursor.seq)
  }

  /** Cut short by the end. */
  async function wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    interrupt = undefined
  }

  /** Whether there is something that the sink may still take. */
  const isBusy = (): boolean => lag() > 0 && failing === undefined

  return {
    name: sink.name,
    segment: () => cursor.segment,
    lag,
    wake: () => awake.resolve(),
    warning: () =>
      failing !== undefined && performance.now() - failing.since >= LATE
        ? `the audit log has not reached ${sink.name} for ${Math.round((performance.now() - failing.since) / 60_000)} min, ${lag()} events wait: ${failing.reason}`
        : undefined,
    async close(graceMs) {
      const end = performance.now() + graceMs
      awake.resolve()
      while (isBusy() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
      closing.abort()
      interrupt?.()
      awake.resolve()
      await running
      await note(true).catch((error: unknown) =>
        log.warn(
          { err: error, sink: sink.name },
          'where the delivery of the audit log stands could not be kept',
        ),
      )
      await sink.close()
    },
  }
}

/** A signal of its own for each batch. */
function deadline(): AbortSignal {
  return AbortSignal.timeout(DEADLINE)
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
