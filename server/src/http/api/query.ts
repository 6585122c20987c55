import { ModsteadError } from '../../errors.ts'

/** The most rows of one page, and how many are given where nobody asks for another number. */
const MOST = 200
const USUAL = 50

/** Throws `bad_request` for a name that is not among `known`, or is there twice: a typing error must not widen an answer. */
export function checkNames(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name))
      throw new ModsteadError(
        'bad_request',
        `the query has ${JSON.stringify(name)}, which means nothing here`,
        {
          next: `what can be asked with: ${known.join(', ') || 'nothing'}`,
        },
      )
    if (query.getAll(name).length > 1)
      throw new ModsteadError('bad_request', `the query has ${name} more than once`, { next: 'name it once' })
  }
}

/** Rows of a page: `limit`, or 50. Throws `bad_request` for what is no number from 1 to 200. */
export function limitOf(query: URLSearchParams): number {
  const text = query.get('limit') ?? String(USUAL)
  const limit = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MOST) return limit
  throw new ModsteadError('bad_request', `limit is not a number from 1 to ${MOST}`, {
    next: 'ask for fewer, and for the next page with before',
  })
}

/** `true`, `false`, or `undefined` where it is absent. Throws `bad_request` for anything else. */
export function flagOf(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (text === 'true' || text === 'false') return text === 'true'
  throw new ModsteadError('bad_request', `${name} is neither true nor false`, { next: `write ${name}=true` })
}
