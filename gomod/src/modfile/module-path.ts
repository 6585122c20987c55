import { trimSpace } from './space.ts'
import { unquote } from './quoting.ts'

/**
 * The module path that a go.mod file declares, `undefined` if it is not found. Nothing else of the file is looked
 * at, so it is found in a file that does not parse; and it is not checked, so it may be anything that stands there.
 * The rule is that of ModulePath in golang.org/x/mod/modfile: the first line of the word `module` and one more text.
 */
export function modulePathOf(goMod: Uint8Array): string | undefined {
  for (let start = 0; start < goMod.length;) {
    const newline = goMod.indexOf(NEWLINE, start)
    const end = newline < 0 ? goMod.length : newline
    if (couldDeclare(goMod, start, end)) {
      const path = declaredPath(DECODER.decode(goMod.subarray(start, end)))
      if (path !== undefined) return path === '' ? undefined : path
    }
    start = end + 1
  }
  return undefined
}

const NEWLINE = 0x0a
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })

/** Whether the line begins with an m, or with something that has to be decoded to know whether it is space. */
function couldDeclare(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start
  while (i < end && bytes[i]! <= 0x20) i++
  return i < end && (bytes[i] === 0x6d || bytes[i]! >= 0x80)
}

/** The path if the line declares one, `''` if it declares it in a way that cannot be read. */
function declaredPath(line: string): string | undefined {
  const comment = line.indexOf('//')
  const statement = trimSpace(comment < 0 ? line : line.slice(0, comment))
  if (!statement.startsWith('module')) return undefined
  const rest = statement.slice('module'.length)
  const path = trimSpace(rest)
  if (path === '' || path.length === rest.length) return undefined
  return /^["`]/.test(path) ? (unquote(path) ?? '') : path
}
