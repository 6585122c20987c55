import { z } from 'zod'
import { parseListenAddress } from './address.ts'
import type { ListenAddress } from './config.ts'
import { parseDuration, parseRate, parseSize } from './units.ts'

/**
 * The kinds of values a configuration key can have. Each takes what YAML gives (or the text of a flag or variable) and
 * gives what the server works with, and says in words what it expects, for error messages and the reference page.
 */
export interface FieldNotes {
  /** Completes the sentence "expected …". */
  expects: string
  /** The same in a word or two, for tables. */
  takes: string
  /** The value may be a credential: it is never shown. */
  secret?: boolean
}

/** What is known of a field beside its schema: looked up on the way through wrappers like `.prefault()`. */
export const fieldNotes = z.registry<FieldNotes>()

const DAY = 86_400_000
/** Node's timers hold no more; anything that long is a mistake. */
const LONGEST_TIMER = 24 * DAY

/** Milliseconds. Bounds are those of a timer unless given. */
export function duration({ min = 1, max = LONGEST_TIMER, wording = '' } = {}) {
  const expects = `a duration such as 250ms, 60s, 5m or a number of seconds${wording}`
  return field(
    { expects, takes: 'duration' },
    z.union([z.number(), z.string()]).transform(within(parseDuration, min, max)),
  )
}

/** A moment, in milliseconds since the epoch. */
export function instant() {
  const expects = 'a time such as 2026-12-01T00:00:00Z, with a zone (RFC 3339)'
  return field(
    { expects, takes: 'time' },
    z.string().transform((value, context): number => {
      const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
      const time = form.test(value) ? Date.parse(value) : Number.NaN
      if (!Number.isNaN(time)) return time
      context.issues.push({ code: 'custom', input: value })
      return z.NEVER
    }),
  )
}

/** Milliseconds that are compared with ages and never wait: 0 to ten years. */
export function age() {
  return duration({ min: 0, max: 3650 * DAY, wording: ' (0 to 3650d)' })
}

/** Bytes. `max` is also given in words. */
export function size({ min = 1, max, upTo }: { min?: number; max: number; upTo: string }) {
  const expects = `a size such as 64KiB, 128MiB or a number of bytes, at most ${upTo}`
  return field(
    { expects, takes: `size up to ${upTo}` },
    z.union([z.number(), z.string()]).transform(within(parseSize, min, max)),
  )
}

/** So much within so long: `amount` counts things or bytes, `window` is in milliseconds. */
export function rate(of: 'count' | 'size') {
  const example = of === 'count' ? '6000/1m' : '50GB/1h'
  return field(
    { expects: `an amount within a time such as ${example} (1s to 24h)`, takes: 'rate' },
    z.string().transform((text, context) => {
      const parsed = parseRate(text, of)
      if (parsed !== undefined && parsed.window >= 1000 && parsed.window <= DAY) return parsed
      context.issues.push({ code: 'custom', input: text })
      return z.NEVER
    }),
  )
}

export function count({ min, max }: { min: number; max: number }) {
  return field(
    { expects: `a whole number from ${min} to ${max}`, takes: `${min} to ${max}` },
    z.int().min(min).max(max),
  )
}

export function flag() {
  return field({ expects: 'true or false', takes: 'true, false' }, z.boolean())
}

/** `among` are the values that messages name, where others are told apart by another schema. */
export function choice<const Values extends readonly [string, ...string[]]>(
  values: Values,
  among: readonly string[] = values,
) {
  const quoted = among.map((value) => `"${value}"`).join(', ')
  return field({ expects: `one of ${quoted}`, takes: among.join(', ') }, z.enum(values))
}

/** A list of some of these values, at least one. */
export function choices<const Values extends readonly [string, ...string[]]>(values: Values) {
  const quoted = values.map((value) => `"${value}"`).join(', ')
  const element = choice(values)
  return field(
    { expects: `a list of ${quoted}`, takes: `list of ${values.join(', ')}` },
    z.array(element).min(1),
  )
}

export function text(expects: string, takes = 'text') {
  return field({ expects, takes }, z.string().trim().min(1))
}

/** A text that is often a number, and need not be quoted then. */
export function identifier(expects: string) {
  return field(
    { expects, takes: 'text or number' },
    z.union([z.int().min(0), z.string().trim().min(1)]).transform(String),
  )
}

/** A path of a file or folder; whoever builds the configuration makes it absolute. */
export function path(what = 'a file') {
  return text(`the path of ${what}`, 'path')
}

/** A value that is never shown, and that may be `file:PATH`. */
export function secret(what: string) {
  return field(
    { expects: `${what} (text, "\${VARIABLE}" or "file:PATH")`, takes: 'secret', secret: true },
    z.string().min(1),
  )
}

/** One text or a list of them, always given as a list. A text alone may hold several, separated by commas. */
export function texts(each: string) {
  const element = text(each)
  return field(
    { expects: `${each}, or a list of them`, takes: 'text or list' },
    z
      .union([element, z.array(element).min(1)])
      .transform((value) =>
        (typeof value === 'string' ? value.split(',') : value).map((part) => part.trim()),
      ),
  )
}

/** Names of origins as a list, or as one text with the separators of GOPROXY. */
export function originList() {
  const each = 'the name of an origin, "direct" or "off"'
  return field(
    { expects: 'a list of origin names, or a text such as "public,mirror|direct"', takes: 'list or text' },
    z.union([text('a text such as "public,mirror|direct"'), z.array(text(each)).min(1)]),
  )
}

/** The kind of server that shows sources, or the templates of its URLs. */
export function sourceLinks() {
  const url = () => text('a URL such as https://git.corp.example/{path}')
  return field(
    {
      expects: 'one of "none", "gitlab", "github", "gitea", or a mapping with keys of home, directory, file',
      takes: 'none, gitlab, github, gitea or mapping',
    },
    z.union([
      z.enum(['none', 'gitlab', 'github', 'gitea']),
      z.strictObject({
        home: url().describe('Front page of the repository.'),
        directory: url().describe('Page of a folder.'),
        file: url().describe('Page of a file and line.'),
      }),
    ]),
  )
}

/** Listen addresses, as one text separated by commas, a port number, or a list. */
export function listenAddresses() {
  const each = 'an address such as 127.0.0.1:6637, [::1]:6637, :6637 or unix:/run/modstead.sock'
  const element = field(
    { expects: each, takes: 'address' },
    z.union([z.int().min(0).max(65_535), z.string()]),
  )
  return field(
    { expects: `${each}, or a list of them`, takes: 'address or list' },
    z.union([element, z.array(element).min(1)]).transform((value, context): ListenAddress[] => {
      const list = typeof value === 'string' ? value.split(',') : value
      return (Array.isArray(list) ? list : [list]).flatMap((part, index) => {
        const address = parseListenAddress(String(part).trim())
        if (address !== undefined) return [address]
        const path = Array.isArray(value) ? [index] : []
        context.issues.push({ code: 'custom', input: part, path })
        return []
      })
    }),
  )
}

/** An absolute http or https URL without credentials, query or fragment; given without a slash at its end. */
export function publicUrl() {
  return field(
    { expects: 'a URL such as https://go.corp.example, without credentials, "?" or "#"', takes: 'URL' },
    z.string().transform((value, context) => {
      const url = URL.parse(value)
      const plain = url && ['http:', 'https:'].includes(url.protocol) && url.username + url.password === ''
      if (plain && url.search + url.hash === '' && !/[?#]/.test(value)) return url.href.replace(/\/+$/, '')
      context.issues.push({ code: 'custom', input: value })
      return z.NEVER
    }),
  )
}

/** `''`, or a path like `/goproxy` without a slash at its end. */
export function pathPrefix() {
  return field(
    { expects: 'a path such as /goproxy of letters, digits, "-", "_", "." and "/"', takes: 'path of a URL' },
    z
      .string()
      .regex(/^\/?$|^(\/[\w~-][\w.~-]*)+\/?$/)
      .transform((value) => value.replace(/\/$/, '')),
  )
}

function field<Schema extends z.ZodType>(notes: FieldNotes, schema: Schema): Schema {
  fieldNotes.add(schema, notes)
  return schema
}

/** A transform by `parse`, whose result must be a number from `min` to `max`. */
function within(parse: (input: string | number) => number | undefined, min: number, max: number) {
  return (input: string | number, context: z.RefinementCtx): number => {
    const value = parse(input)
    if (value !== undefined && value >= min && value <= max) return value
    context.issues.push({ code: 'custom', input })
    return z.NEVER
  }
}
