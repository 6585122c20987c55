/** Characters: what a page of ours needs, twice. */
const LONGEST = 1_024

/**
 * The path to go on to after a sign-in, where it is one of this very server; `undefined` for anything that could lead a
 * browser elsewhere: browsers take `//host`, `/\host` and what has tabs or line breaks in it for addresses of others.
 */
export function localPath(given: string | undefined | null): string | undefined {
  if (typeof given !== 'string' || given.length > LONGEST) return undefined
  if (!/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(given)) return undefined
  // As a browser would understand it; `/..//host` comes out as `//host`.
  const url = URL.parse(given, NOWHERE)
  if (url === null || url.origin !== NOWHERE || url.pathname.startsWith('//')) return undefined
  return url.pathname + url.search
}

const NOWHERE = 'http://nowhere.invalid'
