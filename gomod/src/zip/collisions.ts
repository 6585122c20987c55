/** Finds files that cannot all be extracted: equal names, names equal but for case, and files that are directories. */
import { shown } from '../quote.ts'

/** Takes the next path (clean, slash-separated, without a slash at the end); says what it collides with, if anything. */
export type CollisionChecker = (path: string, isDirectory: boolean) => string | undefined

/**
 * A checker for one set of files, as golang.org/x/mod/zip has it. A directory may come any number of times, by
 * itself and through the files in it.
 */
export function collisionChecker(): CollisionChecker {
  const seen = new Map<string, { path: string; isDirectory: boolean }>()
  const check: CollisionChecker = (path, isDirectory) => {
    const folded = foldCase(path)
    const other = seen.get(folded)
    if (other !== undefined) {
      if (other.path !== path)
        return `${shown(other.path)} and ${shown(path)} differ only in upper and lower case`
      if (other.isDirectory !== isDirectory) return `${shown(path)} is both a file and a directory`
      // The parents of a directory that was seen were checked then.
      return isDirectory ? undefined : `${shown(path)} occurs more than once`
    }
    seen.set(folded, { path, isDirectory })
    const slash = path.lastIndexOf('/')
    return slash < 0 ? undefined : check(path.slice(0, slash), true)
  }
  return check
}

/**
 * A form of `text` that two texts have in common exactly if they are equal under the simple case folding of Unicode.
 * For characters that Go allows in file names this is the equality of Go's strings.EqualFold.
 */
export function foldCase(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  return Array.from(text, foldCharacter).join('')
}

const ASCII = /^[\0-\x7f]*$/

/** By way of lower, upper and lower case again, letters with several forms (Σ, σ, ς) meet in one of them. */
function foldCharacter(character: string): string {
  const lower = mapped(character, character.toLowerCase())
  const upper = mapped(lower, lower.toUpperCase())
  return mapped(upper, upper.toLowerCase())
}

/** Simple folding has no mapping to several characters, and none for the two Turkish letters i. */
function mapped(from: string, to: string): string {
  return from === 'ı' || from === 'İ' || to.length !== String.fromCodePoint(to.codePointAt(0)!).length
    ? from
    : to
}
