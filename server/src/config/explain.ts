import { z } from 'zod'
import { fieldNotes } from './fields.ts'
import { didYouMean } from './nearest.ts'
import type { KeyPath } from './problems.ts'

/** One thing that the schema does not accept, in words. */
export interface Complaint {
  path: KeyPath
  /** The complaint is about the key at the end of `path`, not its value. */
  atKey: boolean
  message: string
  /** What to leave out so that the rest can be read: `path`, or the mapping around a key that is missing. */
  drop: KeyPath
}

type Issue = z.core.$ZodIssue

/** Says in words what is wrong with `value` at each issue. `hidden` names paths whose values must not be shown. */
export function explainIssues(
  schema: z.ZodType,
  value: unknown,
  issues: readonly Issue[],
  hidden: (path: KeyPath) => boolean,
): Complaint[] {
  return issues.flatMap((issue) => explainIssue(schema, value, issue, issue.path as KeyPath, hidden))
}

function explainIssue(
  schema: z.ZodType,
  value: unknown,
  issue: Issue,
  path: KeyPath,
  hidden: (path: KeyPath) => boolean,
): Complaint[] {
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flatMap((option) =>
      option.filter((nested) => nested.path.length > 0 || nested.code === 'unrecognized_keys'),
    )
    if (inner.length > 0)
      return inner.flatMap((nested) =>
        explainIssue(schema, value, nested, [...path, ...(nested.path as KeyPath)], hidden),
      )
  }
  const target = schemaAt(schema, path, value)
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(target instanceof z.ZodObject ? target.shape : {})
    return issue.keys.map((key) => {
      const at = [...path, key]
      const message = `unknown key${didYouMean(key, known) || `; known here: ${known.join(', ')}`}`
      return { path: at, atKey: true, message, drop: at }
    })
  }
  if (issue.code === 'invalid_key')
    return [
      {
        path,
        atKey: true,
        message:
          path.length === 2 && path[0] === 'tenants'
            ? 'expected a name of a-z, 0-9 and "-", 32 characters at most'
            : 'expected a name of letters, digits, ".", "_" and "-", other than "off"',
        drop: path,
      },
    ]
  const found = valueAt(value, path)
  const notes = target && notesOf(target)
  const expected = notes?.expects ?? structureOf(target)
  if (found === undefined)
    return [{ path, atKey: true, message: `missing: expected ${expected}`, drop: path.slice(0, -1) }]
  // Whatever stands where credentials, a token or a hook should is most likely a secret, but for a word among words.
  const [first, second, ...deeper] = path[0] === 'tenants' ? path.slice(2) : path
  const inSecret =
    path.includes('credentials') ||
    first === 'tokens' ||
    (first === 'hooks' && second !== undefined && deeper.length === 0) ||
    (first === 'checksumLog' && /^(|key|previousKeys)$/.test(String(second ?? '')))
  const secret = notes?.secret === true || hidden(path) || (inSecret && !isWordAmong(target, found))
  const shown = describeValue(found, secret)
  // Without a type that is known, nothing else in the mapping can be judged.
  const untyped = issue.code === 'invalid_union' && issue.discriminator
  // Weights are shares of each other: nothing can be said of the rest.
  const drop = untyped || path.at(-2) === 'weights' ? path.slice(0, -1) : path
  return [{ path, atKey: false, message: `expected ${expected}, found ${shown}`, drop }]
}

/** Whether a word stands where one of a few is expected: misspelt, it must be seen. */
function isWordAmong(schema: z.ZodType | undefined, found: unknown): boolean {
  const plain = schema && unwrap(schema)
  const choice = plain instanceof z.ZodArray ? unwrap(plain.element as z.ZodType) : plain
  return choice instanceof z.ZodEnum && typeof found === 'string' && /^[a-z]{1,12}$/i.test(found)
}

/** What a value is, with its contents only where they cannot be a credential. */
export function describeValue(value: unknown, secret: boolean): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (value === '') return 'an empty text'
  if (secret || holdsSignerKey(value))
    return typeof value === 'string'
      ? 'a text (hidden)'
      : `a ${typeof value} (hidden); texts of digits need quotes`
  return JSON.stringify(typeof value === 'string' ? hideUserinfo(value) : value)
}

/** Whether a key to sign with stands where something else is expected: easily taken for the key that all may see. */
export function holdsSignerKey(value: unknown): boolean {
  return typeof value === 'string' && value.includes('PRIVATE+KEY+')
}

/** The text without what may be the user name and password of a URL: all before the last `@`, but for the scheme. */
export function hideUserinfo(text: string): string {
  return text.replace(/^([a-z]+:\/\/)?.*@/is, '$1(hidden)@')
}

/**
 * The schema of what stands at `path` in `value`, without wrappers; undefined where the schema knows no such path.
 * `value` decides between the options of a union.
 */
function schemaAt(schema: z.ZodType, path: KeyPath, value: unknown): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema
  for (const [depth, key] of path.entries()) {
    const container: z.ZodType | undefined = current && unwrap(current, valueAt(value, path.slice(0, depth)))
    if (container instanceof z.ZodObject) current = container.shape[key] as z.ZodType | undefined
    else if (container instanceof z.ZodRecord) current = container.valueType as z.ZodType
    else if (container instanceof z.ZodArray) current = container.element as z.ZodType
    else return undefined
  }
  return current && notesOf(current) ? current : current && unwrap(current, valueAt(value, path))
}

/** Notes of the field, or of what it wraps. */
export function notesOf(schema: z.ZodType) {
  for (let current: z.ZodType | undefined = schema; current; current = innerOf(current)) {
    const notes = fieldNotes.get(current)
    if (notes) return notes
  }
  return undefined
}

/** Takes wrappers off; of a union, the option that `value` is most likely meant for, if it is a list or a mapping. */
export function unwrap(schema: z.ZodType, value?: unknown): z.ZodType {
  const inner = innerOf(schema)
  if (inner) return unwrap(inner, value)
  if (!(schema instanceof z.ZodUnion) || typeof value !== 'object' || value === null) return schema
  const options = (schema.options as z.ZodType[]).map((option) => unwrap(option))
  const fitting = options.filter(
    (option) => option instanceof (Array.isArray(value) ? z.ZodArray : z.ZodObject),
  )
  return fitting.find((option) => hasTypeOf(option, value)) ?? fitting[0] ?? schema
}

/** Whether the mapping `value` says that it is of this kind. */
function hasTypeOf(option: z.ZodType, value: object): boolean {
  const type = option instanceof z.ZodObject ? (option.shape['type'] as z.ZodType | undefined) : undefined
  return type !== undefined && type.safeParse('type' in value ? value.type : undefined).success
}

function innerOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return schema.unwrap() as z.ZodType
  return schema instanceof z.ZodPipe ? (schema.in as z.ZodType) : undefined
}

function structureOf(schema: z.ZodType | undefined): string {
  if (schema instanceof z.ZodObject) return `a mapping with keys of ${Object.keys(schema.shape).join(', ')}`
  if (schema instanceof z.ZodRecord) return 'a mapping of names'
  if (schema instanceof z.ZodArray) return 'a list'
  return 'another value'
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let current = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = (current as Record<string | number, unknown>)[key]
  }
  return current
}
