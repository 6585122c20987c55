import type { ModsteadError } from '../errors.ts'
import type { ArrivingZip } from './live-zip.ts'

/**
 * One download as those who wait for it see it. Its zip is replaced by the next origin's while no client has seen a
 * byte; once one has, nobody else may be asked for the same download.
 */
export interface Arrival {
  /** A zip is arriving: it may be shown to clients after the grace. */
  begin(zip: ArrivingZip): void
  /** More of it is here. */
  progress(): void
  /** It failed. Its readers are ended by `cut`, when the download is over: who asks again must not join this one. */
  end(failure?: ModsteadError): Promise<void>
  /** Settles with a zip that clients may read from, or with `undefined` when the one under way is over. */
  shown(): Promise<ArrivingZip | undefined>
  /** Whether this zip is still the one that arrives. */
  isCurrent(zip: ArrivingZip): boolean
  /** A client has seen bytes of a zip that failed. */
  readonly exposed: boolean
  cut(): Promise<void>
}

/**
 * How long a zip whose first bytes are here is kept from clients in the hope that it is verified by then: small zips
 * then fail with a sentence instead of a cut connection. Milliseconds.
 */
const GRACE = 2

export function createArrival(): Arrival {
  let current: ArrivingZip | undefined
  let showing = Promise.withResolvers<ArrivingZip | undefined>()
  let timer: NodeJS.Timeout | undefined
  let failed: { zip: ArrivingZip; failure: ModsteadError } | undefined
  return {
    begin(zip) {
      current = zip
    },
    progress() {
      const zip = current
      if (zip === undefined || zip.visible === 0) return
      timer ??= setTimeout(() => showing.resolve(zip), GRACE)
    },
    async end(failure) {
      const zip = current
      current = undefined
      clearTimeout(timer)
      timer = undefined
      const watched = showing
      showing = Promise.withResolvers()
      watched.resolve(undefined)
      if (zip === undefined || failure === undefined) return
      if (zip.exposed) failed = { zip, failure }
      else await zip.fail(failure)
    },
    shown: () => showing.promise,
    isCurrent: (zip) => current === zip,
    get exposed() {
      return failed !== undefined || current?.exposed === true
    },
    async cut() {
      await failed?.zip.fail(failed.failure)
    },
  }
}
