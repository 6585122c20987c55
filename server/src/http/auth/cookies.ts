import type { IncomingMessage } from 'node:http'

/** What the cookies of one site are called. */
export interface CookieNames {
  session: string
  /** Of a sign-in whose browser is at its provider. */
  pending: string
  /** For forms of those who are not signed in. */
  form: string
}

/**
 * Over TLS with the prefix `__Host-`: browsers take such a cookie from this very host only, for all paths, so that no
 * neighbouring host can set it. `scope` is the name of the tenant, or `''`: no name has a dot, so that those of two
 * tenants differ.
 */
export function cookieNames(scope: string, secure: boolean): CookieNames {
  const base = `${secure ? '__Host-' : ''}modstead${scope === '' ? '' : `-${scope}`}`
  return { session: base, pending: `${base}.signin`, form: `${base}.form` }
}

/** The value of a cookie; `undefined` where it is not there, or there twice. */
export function cookieIn({ headers }: Pick<IncomingMessage, 'headers'>, name: string): string | undefined {
  const values = (headers.cookie ?? '').split(';').flatMap((pair) => {
    const equals = pair.indexOf('=')
    return equals > 0 && pair.slice(0, equals).trim() === name ? [pair.slice(equals + 1).trim()] : []
  })
  return values.length === 1 && /^[\w-]+$/.test(values[0]!) ? values[0] : undefined
}

/** A Set-Cookie header. Not for scripts, and sent along by other sites only where somebody follows a link. */
export function setCookie(
  name: string,
  value: string,
  { secure, seconds }: { secure: boolean; seconds: number },
): string {
  const more = secure ? '; Secure' : ''
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${more}`
}

export function clearCookie(name: string, secure: boolean): string {
  return setCookie(name, '', { secure, seconds: 0 })
}
