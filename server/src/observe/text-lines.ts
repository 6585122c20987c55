import { styleText } from 'node:util'

export type Level = 'debug' | 'info' | 'warn' | 'error'

const COLOURS = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const

/**
 * A log line for people: `10:33:02 warn  cannot reach proxy.golang.org  origin=public`. Fields are those of
 * `redactFields`. What a terminal would obey instead of showing it is escaped; a stack stands on lines of its own.
 */
export function formatTextLine(
  time: Date,
  level: Level,
  fields: Readonly<Record<string, unknown>>,
  message: string,
  colour: boolean,
): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text
  const clock = time.toTimeString().slice(0, 8)
  const stacks: string[] = []
  const words = Object.entries(fields).map(([name, value]) => {
    const { stack, rest } = takeStack(value)
    if (stack !== undefined) stacks.push(stack)
    return `${paint('dim', `${name}=`)}${formatValue(rest)}`
  })
  const head = [paint('dim', clock), paint(COLOURS[level], level.padEnd(5)), escapeControls(message)].join(
    ' ',
  )
  const stackLines = stacks.flatMap((stack) =>
    stack.split('\n').map((line) => `\n    ${escapeControls(line.trim())}`),
  )
  return `${[head, ...words].join('  ')}${stackLines.join('')}\n`
}

/** The text with control characters, line ends and marks of writing direction written as escapes. */
export function escapeControls(text: string): string {
  return text.replaceAll(
    /[\u0000-\u001F\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function formatValue(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"'={}]+$/.test(value)) return escapeControls(value)
  if (isError(value)) {
    const { code, message, cause, ...more } = value
    const because = cause === undefined ? '' : ` (${formatValue(cause)})`
    const rest = Object.entries(more).map(([name, part]) => ` ${name}=${formatValue(part)}`)
    return escapeControls(`${code}: ${message}`) + because + rest.join('')
  }
  return escapeControls(JSON.stringify(value) ?? 'undefined')
}

/** The form `redactFields` gives errors. */
function isError(value: unknown): value is { code: string; message: string; cause?: unknown } {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value
}

function takeStack(value: unknown): { stack?: string; rest: unknown } {
  if (!isError(value) || !('stack' in value)) return { rest: value }
  const { stack, ...rest } = value
  return { stack: String(stack), rest }
}
