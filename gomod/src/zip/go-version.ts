import { GomodError } from '../error.ts'
import { parseGoMod } from '../modfile/parse.ts'

/**
 * The version in the go directive of a go.mod file, read as that of a dependency is; `undefined` where there is none,
 * or the file cannot be parsed. Of a broken go.mod, too, `go` makes a zip, by the rules for modules that state none.
 */
export function goVersionOf(goMod: Uint8Array): string | undefined {
  try {
    return parseGoMod(new TextDecoder().decode(goMod), { mode: 'lax' }).go?.version
  } catch (error) {
    if (error instanceof GomodError) return undefined
    throw error
  }
}
