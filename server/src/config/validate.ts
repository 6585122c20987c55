import { explainIssues } from './explain.ts'
import { formatKeyPath, type KeyPath, type Place, type Problems } from './problems.ts'
import { configSchema, type FileConfig } from './schema.ts'

/** Where values stand, and which of them must not be shown. */
export interface ValueOrigins {
  placeOfValue(path: KeyPath): Place
  placeOfKey(path: KeyPath): Place
  hidden(path: KeyPath): boolean
}

/**
 * Checks plain values against the schema. What is wrong goes to `problems`, and what is right is given, with defaults
 * where something was wrong, so that the checks that follow can name the rest of the mistakes in the same run.
 */
export function validate(value: unknown, origins: ValueOrigins, problems: Problems): FileConfig {
  let rest = value
  const reported = pathSet()
  for (;;) {
    const result = configSchema.safeParse(rest)
    if (result.success) return result.data
    const lists: KeyPath[] = []
    for (const complaint of explainIssues(configSchema, rest, result.error.issues, origins.hidden)) {
      const place = complaint.atKey
        ? origins.placeOfKey(complaint.path)
        : origins.placeOfValue(complaint.path)
      // A required value that was wrong, and is left out now, is not missing.
      if (!reported.covers(complaint.path)) problems.add(place, complaint.path, complaint.message)
      reported.add(complaint.path)
      rest = without(rest, complaint.drop)
      if (typeof complaint.drop.at(-1) === 'number') lists.push(complaint.drop.slice(0, -1))
    }
    // Nor is a list that went with its item. That is known only now: each of its items is judged.
    for (const list of lists) if (!isRoutes(list)) reported.add(list)
  }
}

/** Routes stay in their list, whatever is wrong with one of them. */
function isRoutes(path: KeyPath): boolean {
  return path.length === 1 && path[0] === 'routes'
}

/** Stands in for a route that cannot be read, so that those after it keep their numbers. */
const NO_ROUTE = { modules: ['invalid'], from: ['off'] }

/** A copy without the value at `path`. Where that is an item of a list, the whole list goes. */
function without(value: unknown, path: KeyPath): unknown {
  if (path.length === 2 && isRoutes(path.slice(0, 1)))
    return withRoute(value as FileConfig, path[1] as number)
  const index = path.findIndex((key) => typeof key === 'number')
  if (index >= 0 && path.length === index + 1) return without(value, path.slice(0, index))
  const [key, ...rest] = path
  if (key === undefined) return {}
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return value
  if (Array.isArray(value))
    return value.map((item, position) => (position === key ? without(item, rest) : item))
  const { [key]: inner, ...others } = value as Record<string, unknown>
  return rest.length === 0 ? others : { ...others, [key]: without(inner, rest) }
}

function withRoute(value: FileConfig, index: number): unknown {
  return { ...value, routes: value.routes!.map((route, position) => (position === index ? NO_ROUTE : route)) }
}

/** A set of paths; `covers` a path that is in it, or lies below one that is. */
export function pathSet(): { add(path: KeyPath): void; covers(path: KeyPath): boolean } {
  const keys = new Set<string>()
  return {
    add: (path) => keys.add(formatKeyPath(path)),
    covers: (path) => path.some((_, index) => keys.has(formatKeyPath(path.slice(0, index + 1)))),
  }
}
