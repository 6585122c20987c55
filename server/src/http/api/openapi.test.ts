import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { startApi } from './api.fixture.ts'

test('the description is valid OpenAPI 3.1, readable by anybody, and names what each endpoint takes', async (t) => {
  const { call } = await startApi(t)
  const { status, json } = await call('', '/openapi.json')
  const [server] = json.servers as { url: string }[]
  for (const base of ['/api/v1', '/go/t/acme/api/v1'])
    assert.equal(new URL(server!.url, `http://go.example${base}/openapi.json`).pathname, base)
  assert.equal(status, 200)
  const result = await new Validator().validate(structuredClone(json))
  assert.ok(result.valid, JSON.stringify(result.errors, undefined, 2))
  const { paths } = json as { paths: Record<string, Record<string, Operation>> }
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  const list = paths['/tokens']!.get!
  assert.deepEqual(list.parameters.map(({ name }) => name).sort(), ['before', 'limit', 'owner'])
  assert.match(paths['/incidents/{id}/ack']!.post!.description, /`audit:read`/)
})

interface Operation {
  operationId: string
  description: string
  parameters: { name: string }[]
}
