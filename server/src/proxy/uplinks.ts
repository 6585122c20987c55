import { createHash } from 'node:crypto'
import type { ModulePath } from '@modstead/gomod/path'
import type { RouteOrigin } from './route.ts'

/**
 * The order in which origins are asked for a module. With weights, such as 90 for the old one and 10 for the new, each
 * module has an origin of its own that is asked first, chosen by its path and the same at every start; the others follow
 * in the order of the list. As the share of an origin grows, modules only move towards it.
 */
export function createUplinks(
  origins: readonly RouteOrigin[],
  weights: Readonly<Record<string, number>> | undefined,
): (module: ModulePath) => readonly RouteOrigin[] {
  const weighted = origins.filter(({ origin }) => (weights?.[origin.name] ?? 0) > 0)
  if (weights === undefined || weighted.length < 2) return () => origins
  return (module) => {
    const first = weighted.reduce((best, entry) =>
      score(module, entry, weights) > score(module, best, weights) ? entry : best,
    )
    const others = origins.filter((entry) => entry !== first)
    // What lets the next origin be asked belongs to the place in the list, not to the origin.
    return [first, ...others].map(({ origin }, place) => ({ origin, then: origins[place]!.then }))
  }
}

/** Rendezvous hashing with weights: each origin draws a number for the module, and the highest wins. */
function score(
  module: ModulePath,
  { origin }: RouteOrigin,
  weights: Readonly<Record<string, number>>,
): number {
  const digest = createHash('sha256').update(`${origin.name}\0${module}`).digest()
  const uniform = (digest.readUIntBE(0, 6) + 1) / (2 ** 48 + 1)
  return weights[origin.name]! / -Math.log(uniform)
}
