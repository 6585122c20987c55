import { pino } from 'pino'
import type { Logger } from './observer.ts'
import { redactFields, redactText } from './redact.ts'
import { formatTextLine, type Level } from './text-lines.ts'

/** Where lines go: `process.stdout`, or a test's list. */
export interface LineSink {
  write(text: string): unknown
}

export interface LoggerOptions {
  level: Level
  format: 'json' | 'text'
  colour: boolean
  sink: LineSink
  /** Default: the clock. */
  now?: () => Date
}

export interface FlushingLogger extends Logger {
  /** Writes out what waits; to be called before the process ends. */
  flush(): void
}

const RANK: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/**
 * JSON lines `{"level","time","message",…fields}`, or lines for people. Every field and message is redacted on its
 * way, so that no caller can write a credential by mistake. Lines below `level` cost one comparison. Lines of one turn
 * of the event loop are written together; warnings and errors at once.
 */
export function createLogger({
  level,
  format,
  colour,
  sink,
  now = () => new Date(),
}: LoggerOptions): FlushingLogger {
  const { write, flush } = batch(sink)
  const least = RANK[level]
  const json = pino(
    {
      level: 'debug',
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  const writer = (of: Level) => (fields: object, message: string) => {
    if (RANK[of] < least) return
    const safe = redactFields(fields)
    if (format === 'json') json[of](safe, redactText(message))
    else write(formatTextLine(now(), of, safe, redactText(message), colour))
    if (RANK[of] >= RANK.warn) flush()
  }
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error'), flush }
}

function batch(sink: LineSink): { write(line: string): void; flush(): void } {
  let waiting: string[] = []
  const flush = () => {
    if (waiting.length === 0) return
    const text = waiting.join('')
    waiting = []
    sink.write(text)
  }
  const write = (line: string) => {
    if (waiting.push(line) === 1) setImmediate(flush)
  }
  return { write, flush }
}
