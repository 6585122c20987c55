import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configJsonSchema } from './json-schema.ts'

interface Node {
  description?: string
  properties?: Record<string, Node>
  additionalProperties?: Node | boolean
  items?: Node
  oneOf?: Node[]
  anyOf?: Node[]
}

/** Every key below a node, as `origins.*.url`. */
function keysWithoutDescription(node: Node, path = ''): string[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
    ...(child.description ? [] : [path + key]),
    ...keysWithoutDescription(child, `${path}${key}.`),
  ])
  const { additionalProperties: named, items, oneOf = [], anyOf = [] } = node
  return [
    ...own,
    ...(typeof named === 'object' ? keysWithoutDescription(named, `${path}*.`) : []),
    ...(items ? keysWithoutDescription(items, `${path}[].`) : []),
    ...[...oneOf, ...anyOf].flatMap((option) => keysWithoutDescription(option, path)),
  ]
}

test('every key is described, and nothing beside the known keys is allowed', () => {
  const schema = configJsonSchema() as Node
  assert.deepEqual(keysWithoutDescription(schema), [])
  assert.equal(schema.additionalProperties, false)
  assert.ok(Object.keys(schema.properties ?? {}).includes('origins'))
})

test('defaults are what a user would write', () => {
  const text = JSON.stringify(configJsonSchema())
  for (const part of ['"default":"127.0.0.1:6637"', '"default":"128MiB"', '"default":"30m"', '"default":16'])
    assert.ok(text.includes(part), part)
})
