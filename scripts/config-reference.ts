/**
 * The page docs/configuration.md: what to do and why stands here, and every key with its default and meaning comes from
 * the schema, so that neither can be forgotten.
 */
import { z } from 'zod'
import { notesOf, unwrap } from '../server/src/config/explain.ts'
import { configJsonSchema } from '../server/src/config/json-schema.ts'
import { configSchema } from '../server/src/config/schema.ts'
import { flagName, SETTINGS } from '../server/src/config/settings.ts'
import { INTRODUCTION, SECTIONS } from './config-reference-text.ts'

interface Row {
  key: string
  takes: string
  fallback: string
  description: string
}

/** A node of the JSON Schema, as far as it is read here. */
interface SchemaNode {
  description?: string
  default?: string | number | boolean | object
  properties?: Record<string, SchemaNode>
  additionalProperties?: SchemaNode | boolean
  items?: SchemaNode
  enum?: string[]
  oneOf?: SchemaNode[]
  anyOf?: SchemaNode[]
}

/** The whole page. Throws when a key of the schema stands in no section, or in two. */
export function configReference(): string {
  const told = SECTIONS.flatMap((section) => section.keys)
  const top = Object.keys(configSchema.shape)
  const wrong = top.filter((key) => told.filter((other) => other === key).length !== 1)
  if (wrong.length > 0)
    throw new Error(`scripts/config-reference-text.ts tells ${wrong.join(', ')} not exactly once`)
  const rows = keyRows(configSchema, configJsonSchema(), '').filter(({ key }) => !isOfTopLevel(key))
  const sections = SECTIONS.map(({ title, text, keys }) => {
    const own = rows.filter((row) => keys.includes(nearest(row.key, told)))
    return [`## ${title}`, text.trim(), ...(own.length > 0 ? [table(own)] : [])].join('\n\n')
  })
  return `${[INTRODUCTION.trim().replace('{settings}', settingsTable()), ...sections].join('\n\n')}\n`
}

/** Whether it is a key of a tenant that means there what it means at the top level, where it is told. */
function isOfTopLevel(key: string): boolean {
  const [, inTenant] = /^tenants\.[A-Z]+\.(\w+)/.exec(key) ?? []
  return inTenant !== undefined && Object.hasOwn(configSchema.shape, inTenant)
}

/** Of the keys that sections tell, the one that `key` is or stands below most closely. */
function nearest(key: string, told: readonly string[]): string {
  const above = told.filter(
    (other) => key === other || key.startsWith(`${other}.`) || key.startsWith(`${other}[]`),
  )
  return above.toSorted((a, b) => b.length - a.length)[0] ?? ''
}

/** A row for every key that takes a value, at any depth: `origins.NAME.timeouts.idle`. */
function keyRows(schema: z.ZodType, node: SchemaNode, prefix: string): Row[] {
  const plain = notesOf(schema) ? schema : unwrap(schema)
  if (plain instanceof z.ZodObject)
    return Object.entries(plain.shape as Record<string, z.ZodType>).flatMap(([key, child]) => {
      const below = node.properties?.[key] ?? {}
      const rows = keyRows(child, below, `${prefix}${key}.`)
      const container = notesOf(child) === undefined
      return container ? [{ ...rowOf(child, below, prefix + key), takes: '', fallback: '' }, ...rows] : rows
    })
  if (plain instanceof z.ZodUnion) return unionRows(plain, node, prefix)
  if (plain instanceof z.ZodRecord)
    return keyRows(plain.valueType as z.ZodType, node.additionalProperties as SchemaNode, `${prefix}NAME.`)
  if (plain instanceof z.ZodArray)
    return keyRows(plain.element as z.ZodType, node.items ?? {}, `${prefix.slice(0, -1)}[].`)
  return [rowOf(schema, node, prefix.slice(0, -1))]
}

/**
 * Kinds of mappings that their `type` tells apart: those after the first are called by it, `origins.GIT.hosts`. Of a
 * value or a list of such values, only the value is told.
 */
function unionRows(union: z.ZodUnion, node: SchemaNode, prefix: string): Row[] {
  const options = (union.options as z.ZodType[]).map((option) => unwrap(option))
  const nodes = node.oneOf ?? node.anyOf ?? []
  return options.flatMap((option, index) => {
    const type =
      option instanceof z.ZodObject ? (nodes[index]?.properties?.['type']?.enum?.[0] ?? '') : undefined
    if (type === undefined) return []
    return keyRows(
      option,
      nodes[index] ?? {},
      index === 0 ? prefix : prefix.replace('NAME', type.toUpperCase()),
    )
  })
}

function rowOf(schema: z.ZodType, node: SchemaNode, key: string): Row {
  const given = node.default ?? ''
  const fallback = typeof given === 'object' || given === '' ? '' : `\`${given}\``
  return { key, takes: notesOf(schema)?.takes ?? '', fallback, description: node.description ?? '' }
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ key, takes, fallback, description }) =>
      `| \`${key}\` | ${takes} | ${fallback} | ${escapePipes(description)} |`,
  )
  return ['| key | takes | default | meaning |', '|---|---|---|---|', ...lines].join('\n')
}

function settingsTable(): string {
  const lines = SETTINGS.map(
    ({ path, flag, variable }) =>
      `| \`${flagName(flag)}\` | \`${variable}\` | ${path ? `\`${path.join('.')}\`` : ''} |`,
  )
  return ['| flag | variable | key |', '|---|---|---|', ...lines].join('\n')
}

function escapePipes(text: string): string {
  return text.replaceAll('|', '\\|')
}
