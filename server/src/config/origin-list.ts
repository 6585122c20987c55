import type { RouteConfig } from './config.ts'

/** `public, mirror | direct`: an origin list as GOPROXY would have it. */
export function formatOriginList(from: RouteConfig['from']): string {
  return from
    .map(({ origin, then }, index) =>
      index === from.length - 1 ? origin : `${origin}${then === 'any' ? '|' : ','}`,
    )
    .join('')
}
