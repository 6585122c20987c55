import { join } from 'node:path'
import { escapePath } from '@modstead/gomod/path'
import { escapeVersion } from '@modstead/gomod/version'
import type { ModuleName } from './claims.ts'

/** Where the module cache keeps what it has of a version, whether or not it is there. */
export interface CachePlaces {
  zip: string
  ziphash: string
  mod: string
  /** While it is there, `go` is extracting the zip, or was interrupted. */
  partial: string
  folder: string
}

/** `cache` is GOMODCACHE. The names are escaped, so that none leads elsewhere. */
export function placesIn(cache: string, { path, version }: ModuleName): CachePlaces {
  const [module, escaped] = [escapePath(path), escapeVersion(version)]
  const stem = join(cache, 'cache', 'download', module, '@v', escaped)
  return {
    zip: `${stem}.zip`,
    ziphash: `${stem}.ziphash`,
    mod: `${stem}.mod`,
    partial: `${stem}.partial`,
    folder: join(cache, `${module}@${escaped}`),
  }
}
