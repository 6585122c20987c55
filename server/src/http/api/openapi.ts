import { z } from 'zod'
import { MEANINGS } from '../statuses.ts'
import type { ApiEndpoint, Needed } from './endpoint.ts'

type Json = Record<string, unknown>

export interface OpenApiOptions {
  endpoints: readonly ApiEndpoint[]
  /** The version of modstead. */
  version: string
}

/** RFC 9457. */
const problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().meta({ description: 'The cause, in a sentence.' }),
    code: z
      .enum(Object.keys(MEANINGS) as [string, ...string[]])
      .meta({ description: 'One of docs/errors.md.' }),
    next: z.string().meta({ description: 'What to do next, in a sentence.' }),
    incident: z.string().optional(),
  })
  .meta({ id: 'Problem' })

/** The description of the administrative API (OpenAPI 3.1), from the schemas that its input is checked by. */
export function openApiOf({ endpoints, version }: OpenApiOptions): Json {
  const components: Json = {}
  const described = (schema: z.ZodType, io: 'input' | 'output') => schemaIn(components, schema, io)
  const refusal = {
    description: 'A refusal',
    content: { 'application/problem+json': { schema: described(problem, 'output') } },
  }
  const paths: Record<string, Json> = {}
  for (const endpoint of endpoints) {
    const { method, path, query, body, gives, status = 200, summary, needs } = endpoint
    const address = path.replaceAll(/:(\w+)/g, '{$1}')
    paths[address] ??= {}
    paths[address][method.toLowerCase()] = {
      operationId: operationId(method, path),
      summary,
      tags: [path.split('/')[1]],
      ...(needs === 'anybody' ? { security: [] } : { description: words(needs) }),
      parameters: [
        ...valuesOf(path),
        ...(query === undefined ? [] : parametersOf(described(query, 'input'))),
      ],
      ...(body !== undefined && {
        requestBody: {
          required: true,
          content: { 'application/json': { schema: described(body, 'input') } },
        },
      }),
      responses: {
        [status]: {
          description: 'Done',
          content: { 'application/json': { schema: described(gives, 'output') } },
        },
        default: refusal,
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'modstead',
      version,
      description: 'The administrative API of a modstead.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    // Beside the address at which this is read, be it below a prefix or that of a tenant (OpenAPI 3.1, section 4.8.5).
    servers: [{ url: '../v1' }],
    security: [{ bearer: [] }, { basic: [] }],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token, as docs/access.md has them.' },
        basic: { type: 'http', scheme: 'basic', description: 'A user name and password, or a token.' },
      },
    },
  }
}

/** A schema with everything that has a name of its own moved to the components. */
function schemaIn(components: Json, schema: z.ZodType, io: 'input' | 'output'): Json {
  const text = JSON.stringify(z.toJSONSchema(schema, { io })).replaceAll(
    '"#/$defs/',
    '"#/components/schemas/',
  )
  const { $schema: _, $defs = {}, ...rest } = JSON.parse(text) as Json & { $defs?: Json }
  for (const [name, definition] of Object.entries($defs)) components[name] = withoutId(definition as Json)
  if (typeof rest.id !== 'string') return rest
  components[rest.id] = withoutId(rest)
  return { $ref: `#/components/schemas/${rest.id}` }
}

function withoutId(definition: Json): Json {
  return Object.fromEntries(Object.entries(definition).filter(([name]) => name !== 'id'))
}

function valuesOf(path: string): Json[] {
  return Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function parametersOf({ properties = {}, required = [] }: Json): Json[] {
  return Object.entries(properties as Record<string, Json>).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: (required as string[]).includes(name),
    ...(description !== undefined && { description }),
    schema,
  }))
}

/** `GET /incidents/:id/ack` is `getIncidentsIdAck`. */
function operationId(method: string, path: string): string {
  const words = path.split(/[/:]+/).filter((word) => word !== '')
  return method.toLowerCase() + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
}

function words(needs: Needed): string {
  return needs === 'signed-in'
    ? 'For everybody who presents a credential.'
    : `Takes the permission \`${needs}\`.`
}
