import type { Login } from './credentials.ts'

/** One entry of a netrc file. `machine` is a host, with its port where that is not the usual one, and may have a path. */
export interface NetrcEntry extends Login {
  machine: string
}

/**
 * The complete entries of a netrc file, read as cmd/go/internal/auth does: words in pairs on a line, entries may span
 * lines, macros are skipped up to the next empty line, and a line that ends in `default` ends the file. Entries
 * without a login or a password are dropped.
 */
export function parseNetrc(text: string): NetrcEntry[] {
  const entries: NetrcEntry[] = []
  let entry = emptyEntry()
  let inMacro = false
  for (const line of text.split('\n')) {
    if (inMacro) {
      inMacro = line !== ''
      continue
    }
    const words = line.split(/\s+/).filter((word) => word !== '')
    for (let i = 0; i + 1 < words.length; i += 2) {
      const value = words[i + 1]!
      if (words[i] === 'machine') entry = { ...emptyEntry(), machine: value }
      else if (words[i] === 'login') entry.username = value
      else if (words[i] === 'password') entry.password = value
      else if (words[i] === 'macdef') inMacro = true
      if (entry.machine === '' || entry.username === '' || entry.password === '') continue
      entries.push(entry)
      entry = emptyEntry()
    }
    if (words.length % 2 === 1 && words.at(-1) === 'default') break
  }
  return entries
}

/** The login for `url`: that of the longest machine that is its host or a path above it, the first of equals. */
export function netrcLogin(entries: readonly NetrcEntry[], url: URL): Login | undefined {
  let prefix = `${url.host}${url.pathname}`.replace(/\/$/, '')
  for (;;) {
    const found = entries.find(({ machine }) => machine.replace(/\/$/, '') === prefix)
    if (found !== undefined) return { username: found.username, password: found.password }
    const slash = prefix.lastIndexOf('/')
    if (slash < 0) return undefined
    prefix = prefix.slice(0, slash)
  }
}

function emptyEntry(): NetrcEntry {
  return { machine: '', username: '', password: '' }
}
