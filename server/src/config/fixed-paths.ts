/** Pages that stand at these paths whatever the configuration says: probes and collectors find them there. */
export const PAGES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

/** The page that tells how clients are set up, at the root and behind the path prefix. */
export const SETTINGS_PAGE = '/settings'

/** Behind the path prefix and before the name of a tenant. */
export const TENANTS_PATH = '/t/'

/**
 * What else is looked for at a path of its own at the root: checksum databases, calls of other services, the
 * administrative API, and signing in.
 */
const ENDPOINTS: ReadonlySet<string> = new Set([
  '/sumdb',
  '/lookup',
  '/tile',
  '/latest',
  '/tlog',
  '/hooks',
  '/api',
  '/t',
  '/auth',
  '/.well-known',
])

/** The fixed path that modules below `prefix` would hide, or be hidden by; `undefined` where there is none. */
export function fixedPathAt(prefix: string): string | undefined {
  const first = /^\/[^/]+/.exec(prefix)?.[0]
  return first !== undefined && (PAGES.has(first) || first === SETTINGS_PAGE || ENDPOINTS.has(first))
    ? first
    : undefined
}
