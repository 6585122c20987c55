/**
 * GOPROXY lists: what `go help goproxy` and cmd/go make of them.
 */
import type { OriginCredentials, RouteEntry } from './config.ts'

/** One entry of a list: a word or URL, and what lets the next one be asked. */
export interface ListEntry {
  text: string
  then: RouteEntry['then']
}

/**
 * Splits a list at `,` (the next is asked when a module is absent) and `|` (after any failure). Empty entries are
 * skipped, and nothing follows `direct` or `off`, as in cmd/go.
 */
export function splitProxyList(list: string): ListEntry[] {
  const entries: ListEntry[] = []
  for (const [, text = '', separator] of list.matchAll(/([^,|]*)([,|]|$)/g)) {
    const word = text.trim()
    if (word === '') continue
    entries.push({ text: word, then: separator === '|' ? 'any' : 'absent' })
    if (word === 'direct' || word === 'off') break
  }
  // `direct` and `off` are the end of every list, whatever stands behind them.
  const last = entries.at(-1)
  if (last) last.then = 'absent'
  return entries
}

/** A base URL of a module proxy, taken apart. */
export interface ProxyUrl {
  /** Normalised, without credentials and without a slash at its end. */
  url: string
  /** From `user:password@` in the URL. */
  credentials?: Extract<OriginCredentials, { kind: 'basic' }>
}

/**
 * Reads the URL of a module proxy as cmd/go does: `https:`, `http:` and `file:`; a missing scheme means https unless
 * the text is a single word or an absolute path. Gives a text that completes "expected …" for what is no such URL.
 */
export function parseProxyUrl(text: string): ProxyUrl | string {
  const bare = /[.:/]/.test(text) && !text.includes(':/') && !text.startsWith('/')
  const url = URL.parse(bare ? `https://${text}` : text)
  if (!url || !['https:', 'http:', 'file:'].includes(url.protocol))
    return 'a URL of https:, http: or file:, such as https://proxy.golang.org'
  if (/[?#]/.test(text)) return 'a URL without "?" and "#"'
  if (url.protocol === 'file:') {
    if (url.host !== '' || !/^file:\/(\/\/)?[^/]/i.test(text))
      return 'a file URL with an absolute path, such as file:///srv/modules'
    return { url: withoutSlash(url.href) }
  }
  const { username, password } = url
  url.username = ''
  url.password = ''
  const base = { url: withoutSlash(url.href) }
  if (username === '' && password === '') return base
  return { ...base, credentials: { kind: 'basic', username: decode(username), password: decode(password) } }
}

/** Names an origin that has none after its URL: `proxy.golang.org`, `127.0.0.1:8081/go`, `file:///srv/modules`. */
export function nameOfProxy(url: string): string {
  return url.replace(/^https?:\/\//, '')
}

function withoutSlash(href: string): string {
  return href === 'file:///' ? href : href.replace(/\/+$/, '')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A `%` that escapes nothing is part of the password as it was typed.
    return text
  }
}
