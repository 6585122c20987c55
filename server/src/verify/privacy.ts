/** Who may be told the name of a module. Everything that asks the outside asks here first. */
import { compilePatterns } from '@modstead/gomod/pattern'
import { KNOWN_SUMDBS } from '@modstead/gomod/sumdb/known'

export interface PrivacyOptions {
  /** The settings of `go`, as GOPRIVATE has them. */
  goPrivate: string
  goNoProxy: string
  goNoSumdb: string
  /** Name of the checksum database, if there is one. */
  database?: string
  /** A flag has named the database: it is there for private names, too, unless it is a public one. */
  named: boolean
}

export interface Privacy {
  /** Why the checksum database is not asked for a module: a phrase that follows "because"; `undefined`: it may be. */
  whyNotDatabase(module: string): string | undefined
  /** Whether the proxies of GOPROXY may hear of it. */
  mayAskProxies(module: string): boolean
}

/** `go` itself asks a database for it whatever the settings are, and nobody's secret is in its name. */
const TOOLCHAIN = 'golang.org/toolchain'

/**
 * A public database hears of no name that any of the three settings covers. One's own, as GOSUMDB names it, is asked
 * as `go` asks it: GONOSUMDB decides.
 */
export function createPrivacy(options: PrivacyOptions): Privacy {
  const { database, named } = options
  const settings = [
    ['GOPRIVATE', compilePatterns(options.goPrivate)],
    ['GONOPROXY', compilePatterns(options.goNoProxy)],
    ['GONOSUMDB', compilePatterns(options.goNoSumdb)],
  ] as const
  const isPublic = database !== undefined && KNOWN_SUMDBS.has(database)

  return {
    whyNotDatabase(module) {
      if (database === undefined) return 'GOSUMDB is off'
      if (module === TOOLCHAIN || (named && !isPublic)) return undefined
      const covering = settings.find(
        ([name, patterns]) => (isPublic || name === 'GONOSUMDB') && patterns.matches(module),
      )
      return covering && `${covering[0]} covers it`
    },
    mayAskProxies: (module) =>
      !settings.some(([name, patterns]) => name !== 'GONOSUMDB' && patterns.matches(module)),
  }
}
