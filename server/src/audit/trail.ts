import type { Observer } from '../observe/observer.ts'
import { createCrowd, isOfCrowd } from './crowd.ts'
import type { AuditFacts } from './event.ts'
import type { AuditFiles } from './files.ts'
import { answerPart, clientPart, requestPart } from './line.ts'
import { parseLeft } from './inbox.ts'
import type { Retention } from './retention.ts'
import { createWaiting, type LineBlock } from './waiting.ts'
import type { Writer } from './writer.ts'

/** Takes events. Nothing here waits: events are written in batches, in order. */
export interface AuditTrail {
  /**
   * Events cannot be kept now, and the configuration wants nothing done without: whoever does something that is to be
   * recorded must refuse.
   */
  readonly blocked: boolean
  /** Why it is blocked, in a sentence; `undefined` where it is not. */
  blockedBy(): string | undefined
  /** To be called when something is refused because of that: it is counted, and told in the log once a minute. */
  noteRefused(): void
  /** An id as events have it, for requests and decisions. */
  newId(): string
  /** A name as the log may have it. */
  mask(name: string): string
  /** `user_principal` must be masked before. What nobody in particular did may be summed: see crowd.ts. */
  record(facts: AuditFacts): void
  /** The same from parts that were made before; see line.ts. `''` for ids that the request has not. */
  recordParts(requestId: string, traceId: string, client: Uint8Array, answer: Uint8Array): void
  /** What is wrong, a sentence each, for /readyz. */
  warnings(): string[]
  /** Writes what waits. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface TrailOptions {
  files: AuditFiles
  writer: Writer
  retention: Retention
  newId: () => string
  mask: (name: string) => string
  /** Milliseconds between two writes that are synced. */
  sync: number
  onFull: 'block' | 'drop'
  observer: Observer
  /** The network of an address, by which clients are counted. */
  networkOf: (address: string) => string
  /** Told after events were written. */
  onWritten?: () => void
  now?: () => number
}

/** Bytes that wait: from the first on they are written at once, and beyond the second nothing more is taken. */
const SOON = 1 << 20
const MOST = 16 << 20
/** Blocks written at a time. */
const BATCH = 32
/** Signed that often: events, or milliseconds with at least one. */
const SIGNED = { events: 10_000, after: 60_000, atMostEach: 1_000 }
/** How often it is said in the log that events are dropped or refused. Milliseconds. */
const ALARM = 60_000

export function createTrail(options: TrailOptions): AuditTrail {
  const { files, writer, retention, newId, mask, sync, onFull, observer, now = Date.now } = options
  const { log } = observer
  const recorded = observer.counter('modstead_audit_events_total', 'Events that the audit log took.')
  const dropped = observer.counter('modstead_audit_dropped_total', 'Events that the audit log lost.')
  const refused = observer.counter(
    'modstead_audit_refused_total',
    'Requests that were refused because they could not be recorded.',
  )
  const summed = observer.counter(
    'modstead_audit_summed_total',
    'Events of nobody in particular that are recorded as part of a sum.',
  )
  observer.gauge('modstead_audit_waiting_events', 'Events not written yet.', () => waiting.count())
  observer.gauge('modstead_audit_bytes', 'Bytes of the audit log.', () => retention.bytes())
  const waiting = createWaiting(now)
  const crowd = createCrowd({ networkOf: options.networkOf, fill: () => fill(), now })
  /** Taken, and not written because that failed. */
  let unwritten: LineBlock[] = []
  let seq = writer.seq
  let failing: string | undefined
  let flushing: Promise<void> | undefined
  let ticking: Promise<void> | undefined
  let signed = { seq: writer.seq, at: now() }
  let alarmed = -Infinity
  let lost = 0
  let closing = false
  /** Of the inbox: recorded, and not cleared yet. */
  const left = new Set<string>()
  const timer = setInterval(() => void tick(), sync)
  timer.unref()

  const fill = (): number => retention.fill(waiting.bytes())
  const isDiskFull = (): boolean => fill() >= 1
  const isFull = (): boolean => waiting.bytes() > MOST || isDiskFull()

  const isBlocked = (): boolean => onFull === 'block' && (failing !== undefined || isFull())

  function push(request: string, client: Uint8Array, answer: Uint8Array, always = false): void {
    const most = onFull === 'block' ? 2 * MOST : MOST
    if (!always && (waiting.bytes() > most || (onFull === 'drop' && isDiskFull()))) {
      lose()
      return
    }
    waiting.add(++seq, request, client, answer)
    if (waiting.bytes() > SOON && flushing === undefined && failing === undefined) void flush(false)
  }

  function lose(): void {
    lost++
    dropped.add(1)
    alarm({ lost }, `events of the audit log are lost: ${reason()}`)
  }

  function alarm(fields: object, sentence: string): void {
    if (now() - alarmed < ALARM) return
    alarmed = now()
    log.error({ folder: files.where, ...fields }, sentence)
  }

  function reason(): string {
    return failing ?? (isDiskFull() ? retention.reason : 'they come faster than they can be written')
  }

  function flush(toDisk: boolean): Promise<void> {
    flushing ??= write(toDisk).finally(() => (flushing = undefined))
    return flushing
  }

  async function write(toDisk: boolean): Promise<void> {
    const before = writer.seq
    try {
      for (;;) {
        if (unwritten.length === 0) unwritten = waiting.take()
        const batch = fitting(unwritten, writer.room)
        if (batch.length === 0) break
        await writer.append(batch)
        unwritten = unwritten.slice(batch.length)
        waiting.give(batch)
        recorded.add(batch.reduce((sum, { lines }) => sum + lines, 0))
        if (writer.room === 0) await sign()
      }
      if (toDisk && writer.seq > before) await writer.sync()
      const due = now() - signed.at
      const fresh = writer.seq - signed.seq
      const many = fresh >= SIGNED.events && due >= SIGNED.atMostEach
      if (fresh > 0 && (due >= SIGNED.after || many)) await sign()
      if (failing !== undefined) log.info({ folder: files.where }, 'the audit log is written again')
      failing = undefined
    } catch (error) {
      if (failing === undefined || now() - alarmed >= ALARM) {
        alarmed = now()
        log.error(
          { err: error, folder: files.where, waiting: waiting.count() },
          'the audit log cannot be written',
        )
      }
      failing = error instanceof Error ? error.message : String(error)
    }
    if (writer.seq > before) options.onWritten?.()
  }

  async function sign(): Promise<void> {
    await writer.checkpoint()
    signed = { seq: writer.seq, at: now() }
    await prune()
  }

  /** What it says is written before anything is deleted, at the next look. */
  async function prune(): Promise<void> {
    const through = await retention.look(writer)
    if (through !== undefined) push('', NOBODY, Buffer.from(answerPart(admin(`${PRUNE} ${through}`))), true)
  }

  /** Events that commands left while a server runs, or while none did. */
  async function takeInbox(): Promise<void> {
    if (failing !== undefined) return
    try {
      for (const { name, text } of await files.inbox()) {
        const facts = parseLeft(text)
        if (facts === undefined)
          log.warn({ folder: files.where, name }, 'what was left for the audit log is no event')
        else if (!left.has(name)) record({ ...facts, user_principal: mask(facts.user_principal ?? '') })
        left.add(name)
        // On disk first: a crash between the two records it twice, with the same request id.
        await flush(true)
        if (failing !== undefined) return
        await files.taken(name)
        left.delete(name)
      }
    } catch (error) {
      log.warn({ err: error, folder: files.where }, 'what commands left for the audit log could not be taken')
    }
  }

  /** One after the other, however slow the disk is: what two looks at the inbox find would be recorded twice. */
  function tick(): Promise<void> {
    ticking ??= look().finally(() => (ticking = undefined))
    return ticking
  }

  async function look(): Promise<void> {
    if (closing) return
    // While nothing has room they grow, and none is lost.
    if (!isFull()) crowd.take().forEach(add)
    await flush(true)
    await takeInbox()
    if (failing === undefined && isDiskFull())
      await prune().catch((error: unknown) =>
        log.warn({ err: error, folder: files.where }, 'old files of the audit log could not be looked at'),
      )
  }

  function record(facts: AuditFacts): void {
    if (!isOfCrowd(facts) || crowd.admit(facts)) add(facts)
    else summed.add(1)
  }

  function add(facts: AuditFacts): void {
    const client = clientPart({
      client_ip: facts.client_ip ?? '',
      user_agent: facts.user_agent ?? '',
      user_principal: facts.user_principal ?? '',
      principal_kind: facts.principal_kind ?? 'anonymous',
      tenant: facts.tenant ?? '',
    })
    const request = requestPart(facts.request_id ?? '', facts.trace_id ?? '')
    push(request, Buffer.from(client), Buffer.from(answerPart(facts)))
  }

  return {
    get blocked() {
      return isBlocked()
    },
    blockedBy: () => (isBlocked() ? `nothing can be recorded: ${reason()}` : undefined),
    noteRefused() {
      refused.add(1)
      alarm({}, `requests are refused, because they cannot be recorded: ${reason()}`)
    },
    newId,
    mask,
    record,
    recordParts(requestId, traceId, client, answer) {
      push(requestId === '' && traceId === '' ? '' : requestPart(requestId, traceId), client, answer)
    },
    warnings() {
      if (failing !== undefined) return [`the audit log cannot be written: ${failing}`]
      if (isDiskFull()) return [retention.reason]
      const warning = retention.warning(waiting.bytes())
      return [
        ...(lost > 0 ? [`${lost} events of the audit log were lost since the start`] : []),
        ...(warning === undefined ? [] : [warning]),
      ]
    },
    async flush() {
      await flushing
      await flush(true)
    },
    async close() {
      closing = true
      clearInterval(timer)
      await ticking
      crowd.take(true).forEach(add)
      await flushing
      await flush(true)
      if (waiting.count() > 0)
        log.error(
          { folder: files.where, lost: waiting.count() },
          `events of the audit log are lost: ${reason()}`,
        )
      await writer.close()
    },
  }
}

/** The first of `blocks` that are written at a time: up to the one that is the last to fit into the segment, if any. */
function fitting(blocks: readonly LineBlock[], room: number): LineBlock[] {
  let bytes = 0
  const end = blocks.findIndex((block) => (bytes += block.bytes.length) >= room)
  return blocks.slice(0, end < 0 ? BATCH : Math.min(BATCH, end + 1))
}

/** How the event begins whose action says which old segments are deleted, with the number of the last of them. */
export const PRUNE = 'audit.prune through segment'

/** Nobody asked for it but the configuration. */
const NOBODY = Buffer.from(
  clientPart({
    client_ip: '',
    user_agent: '',
    user_principal: '',
    principal_kind: 'anonymous',
    tenant: '',
  }),
)

function admin(action: string): AuditFacts {
  return { event_type: 'admin', auth_result: 'ok', kind: 'log', action }
}
