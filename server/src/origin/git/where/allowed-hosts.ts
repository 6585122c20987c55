import { createHostSet } from './places.ts'

const compiled = new WeakMap<readonly string[], (url: URL) => boolean>()

/** Whether a host (with its port where that is not the usual one) is among those that a route allows. */
export function matchesHost(patterns: readonly string[], host: string): boolean {
  const isAllowed = compiled.get(patterns) ?? createHostSet(patterns)
  compiled.set(patterns, isAllowed)
  const url = URL.parse(`https://${host}`)
  return url !== null && isAllowed(url)
}
