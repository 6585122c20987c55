import { ModsteadError } from '../errors.ts'

/** Where a value stands in the configuration: `['origins', 'public', 'url']`. */
export type KeyPath = readonly (string | number)[]

/** Where a value came from, and how messages name that place. */
export interface Place {
  /** `modstead.yaml:3:5`, `--listen`, `MODSTEAD_LISTEN`. */
  label: string
  /** Sorts problems of one file by where they stand: line and column from 1, or 0 outside files. */
  line: number
  column: number
}

/** Everything that is wrong with a configuration, collected so that one run names all of it. */
export interface Problems {
  /**
   * `message` completes the line `PLACE: KEY: …`; it must not hold a secret. What is noted second about the same value
   * is most likely a consequence of the first, and dropped.
   */
  add(place: Place, path: KeyPath, message: string): void
  readonly count: number
  /** Throws `config_invalid` with a line for each problem, in the order of the file, if there is any. */
  throwIfAny(): void
}

export function collectProblems(): Problems {
  const found: { place: Place; subject: string; message: string }[] = []
  return {
    add(place, path, message) {
      const inFile = place.line > 0 && path.length > 0
      const subject = `${place.label}: ${inFile ? `${formatKeyPath(path)}: ` : ''}`
      if (found.some((other) => other.subject === subject && (inFile || other.message === message))) return
      found.push({ place, subject, message })
    },
    get count() {
      return found.length
    },
    throwIfAny() {
      if (found.length === 0) return
      found.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
      throw new ModsteadError(
        'config_invalid',
        found.map((problem) => problem.subject + problem.message).join('\n'),
        {
          next: 'Correct this; `modstead config schema` and docs/configuration.md describe every key.',
        },
      )
    },
  }
}

/** `origins.public.url`, `routes[1].from[0]`, `origins["a b"].url`. */
export function formatKeyPath(path: KeyPath): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`
      if (!/^[A-Za-z0-9_-]+$/.test(key)) return `[${JSON.stringify(key)}]`
      return index === 0 ? key : `.${key}`
    })
    .join('')
}
