import type { Filter } from 'ldapts'

/** What stands in a filter in place of a value that comes with a request. */
const PLACEHOLDER = /\{([^{}]*)\}/g

/** A search filter that is ready to be filled in. */
export type FilterTemplate = (values: Readonly<Record<string, string>>) => Filter

/**
 * Reads a search filter (RFC 4515) with placeholders such as `{user}`. The text is parsed with the placeholders in it,
 * and a value then becomes the value of a node: whatever characters it has, it is compared with and never read as a
 * filter. Throws a `SyntaxError` that says what is wrong.
 */
export async function createFilterTemplate(text: string): Promise<FilterTemplate> {
  const { FilterParser } = await import('ldapts')
  const parse = (): Filter => {
    try {
      return FilterParser.parseString(text)
    } catch (error) {
      throw new SyntaxError((error as Error).message, { cause: error })
    }
  }
  parse()
  return (values) => {
    const filter = parse()
    fill(filter, (value) => value.replace(PLACEHOLDER, (whole, name: string) => values[name] ?? whole))
    return filter
  }
}

/** A phrase about what is wrong with a filter; it must have one of the placeholders `names`, and no others. */
export async function filterProblem(text: string, names: readonly string[]): Promise<string | undefined> {
  const found = [...text.matchAll(PLACEHOLDER)].map(([, name]) => name!)
  const other = found.find((name) => !names.includes(name))
  const wanted = names.map((name) => `{${name}}`).join(' or ')
  if (other !== undefined) return `there is no {${other}}, only ${wanted}`
  if (found.length === 0) return `${wanted} is missing in it`
  try {
    const template = await createFilterTemplate(text)
    let inValues = 0
    fill(template({}), (value) => {
      inValues += [...value.matchAll(PLACEHOLDER)].length
      return value
    })
    return inValues === found.length ? undefined : 'a placeholder stands where no value can stand'
  } catch (error) {
    if (error instanceof SyntaxError) return error.message.replace(/\. Full string: [^]*$/, '')
    throw error
  }
}

/** The fields of the library's nodes that hold values. */
interface Node {
  filters?: Filter[]
  filter?: Filter
  value?: string | Buffer
  initial?: string
  any?: string[]
  final?: string
}

function fill(filter: Filter, change: (value: string) => string): void {
  const node: Node = filter as Node
  for (const below of node.filters ?? []) fill(below, change)
  if (node.filter !== undefined) fill(node.filter, change)
  if (typeof node.value === 'string') node.value = change(node.value)
  if (node.initial !== undefined) node.initial = change(node.initial)
  if (node.final !== undefined) node.final = change(node.final)
  if (node.any !== undefined) node.any = node.any.map(change)
}
