import type { z } from 'zod'
import { ModsteadError } from '../../errors.ts'

/**
 * The query as `schema` has it. Throws `bad_request` for a name that it does not know, or that is there twice (a typing
 * error must not widen an answer), and for a value that does not fit.
 */
export function parseQuery(schema: z.ZodObject | undefined, query: URLSearchParams): object {
  const known = Object.keys(schema?.shape ?? {})
  for (const name of query.keys()) {
    if (!known.includes(name))
      throw new ModsteadError(
        'bad_request',
        `the query has ${JSON.stringify(name)}, which means nothing here`,
        { next: `what can be asked with: ${known.join(', ') || 'nothing'}` },
      )
    if (query.getAll(name).length > 1)
      throw new ModsteadError('bad_request', `the query has ${name} more than once`, { next: 'name it once' })
  }
  return schema === undefined ? {} : parsed(schema, Object.fromEntries(query), 'the query')
}

/** The body as `schema` has it. Throws `bad_request` as `parseQuery` does. */
export function parseBody(schema: z.ZodObject, body: Readonly<Record<string, unknown>>): object {
  const known = Object.keys(schema.shape)
  const other = Object.keys(body).find((name) => !known.includes(name))
  if (other !== undefined)
    throw new ModsteadError(
      'bad_request',
      `the body has ${JSON.stringify(other)}, which means nothing here`,
      {
        next: `what it can have: ${known.join(', ')}`,
      },
    )
  return parsed(schema, body, 'the body')
}

function parsed(schema: z.ZodObject, value: unknown, what: string): object {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const name = issue?.path.join('.') ?? ''
  throw new ModsteadError('bad_request', `${name === '' ? what : name} ${issue?.message ?? 'is wrong'}`, {
    next: `the description of the API says what ${what} can have: /api/v1/openapi.json`,
  })
}
