import type { ModulePath } from '@modstead/gomod/path'
import { isAbsence, ModsteadError } from '../errors.ts'
import { NotAhead } from './flights.ts'
import type { OnBehalf, Origin } from './origin.ts'
import type { Route, RouteOrigin } from './route.ts'
import { isWrong, type Setbacks } from './setbacks.ts'

export interface Question {
  route: Route
  module: ModulePath
  /** The file or list that is asked for, e.g. `zip example.com/m@v1.0.0`: shown to people. */
  what: string
  setbacks: Setbacks
  behalf: OnBehalf
  /** False once a client has seen bytes of a failed answer: then nobody else may be asked for the same flight. */
  mayGoOn?: () => boolean
}

/**
 * Asks the origins of a route in order until one answers. Absence lets the next one be asked; another failure does
 * so only after `|` (or `fallback: any`), a wrong answer and a web page always do. Origins with a recent setback come last.
 *
 * Throws the first failure that was not absence, so that an outage never looks like absence; `not_found` only when
 * every origin said so. `ask` may throw on an answer that does not verify.
 */
export async function askOrigins<T>(question: Question, ask: (origin: Origin) => Promise<T>): Promise<T> {
  const { route, module, what, setbacks, behalf, mayGoOn = () => true } = question
  const origins = route.originsFor(module)
  // What is wrong for one realm, which knows other hashes, says nothing of another.
  const file = `${route.realm} ${what}`
  let failure: ModsteadError | undefined
  let absence: ModsteadError | undefined
  for (const { origin, then } of inOrder(origins, file, setbacks)) {
    if (!origin.speculative && isAhead(behalf)) throw new NotAhead(what)
    const refusal = setbacks.refusal(origin, file)
    if (refusal !== undefined) {
      failure ??= refusal
      continue
    }
    // Behind an origin of repositories there are many hosts: one that is out of order says nothing of the others.
    const outage = origin.speculative ? setbacks.outage(origin) : undefined
    if (outage !== undefined) {
      failure ??= outage
      if (then === 'absent') break
      continue
    }
    try {
      const answer = await ask(origin)
      setbacks.answered(origin)
      return answer
    } catch (error) {
      if (!(error instanceof ModsteadError)) throw error
      if (isAbsence(error)) {
        setbacks.answered(origin)
        absence ??= error
        continue
      }
      if (absence !== undefined && isNowhere(origin, route, error)) continue
      setbacks.note(origin, file, error)
      if (!isOfOrigin(error) || !mayGoOn()) throw error
      failure ??= error
      if (then === 'absent' && !isWrong(error) && !isPage(error)) break
    }
  }
  throw failure ?? absence ?? nobodyToAsk(route, what)
}

/**
 * A recent setback puts an origin last, but only where its failure would let the others be asked anyway: the order of
 * a `,` list is the operator's word on who may answer.
 */
function inOrder(origins: readonly RouteOrigin[], file: string, setbacks: Setbacks): readonly RouteOrigin[] {
  if (origins.length < 2 || !origins.some(({ origin }) => setbacks.has(origin, file))) return origins
  // `direct` is the last resort wherever it stands: whoever has it looks for repositories all over the world.
  const rank = ({ origin, then }: RouteOrigin): number => {
    if (origin.name === 'direct') return 2
    return then === 'any' && setbacks.has(origin, file) ? 1 : 0
  }
  const order = origins.toSorted((a, b) => rank(a) - rank(b))
  // What lets the next one be asked belongs to the place in the list.
  return order.map(({ origin }, place) => ({ origin, then: origins[place]!.then }))
}

function isAhead({ priority, promoted, announced }: OnBehalf): boolean {
  return priority === 'background' && promoted?.aborted !== true && announced !== true
}

/** Failures that belong to one origin's answer; anything else (a full disk, a shutdown) ends the whole question. */
function isOfOrigin(error: ModsteadError): boolean {
  return error.code.startsWith('upstream_') || error.code === 'checksum_mismatch'
}

/**
 * A public module that no proxy has, at a host that has no address: there is no such host. In networks without a way out
 * every name is like that, and `go` asks for every path below a module, so that it must not be an outage there.
 */
function isNowhere(origin: Origin, route: Route, error: ModsteadError): boolean {
  const cause = error.cause as { code?: unknown } | undefined
  return origin.name === 'direct' && !route.private && cause?.code === 'ENOTFOUND'
}

/** Somebody on the way spoke in the origin's place. */
function isPage(error: ModsteadError): boolean {
  return error.code === 'upstream_page'
}

function nobodyToAsk(route: Route, what: string): ModsteadError {
  // Also before off: what was not published is absent, and go probes paths above and below a module.
  if (route.upload !== undefined) {
    return new ModsteadError(
      'not_found',
      `${what} was not published here, and no origin may be asked for it`,
      {
        next: 'publish it, or check the spelling',
      },
    )
  }
  if (route.end === 'off') {
    return new ModsteadError('fetch_disabled', `${what} is not stored, and fetching is off for this module`, {
      next: 'the route (or GOPROXY) of this modstead says off: ask its operators to allow an origin',
    })
  }
  // Not absence: nobody was asked, and go would look elsewhere.
  if (route.end === 'ourselves')
    return new ModsteadError(
      'fetch_disabled',
      `${what} is not stored, and the only origin of its route is this modstead itself`,
      {
        next: 'ask the operators of this modstead to name the origin behind it: origins, --upstream or GOPROXY',
      },
    )
  return new ModsteadError(
    'not_found',
    `${what} is not stored, and no origin is configured that may be asked for it`,
    { next: 'ask the operators of this modstead for a route with an origin' },
  )
}
