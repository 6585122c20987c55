import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ModulePath } from '@modstead/gomod/path'
import type { AskModule, ModuleReport, OriginReport } from './cli/context.ts'
import type { Config } from './config/config.ts'
import { ModsteadError } from './errors.ts'
import { openOrigins, type OpenOrigins } from './open-origins.ts'
import { createViaId } from './origin/loop.ts'
import { createOutside } from './origin/outside.ts'
import { max } from '@modstead/gomod/semver'
import type { Origin } from './proxy/origin.ts'
import { createRouter, type Route } from './proxy/route.ts'

/** How long one origin may take. Milliseconds. */
const PATIENCE = 120_000

/** Asks the origins of a module as a server with this configuration would, one after the other, and keeps nothing. */
export const askModule: AskModule = async ({ config, observer, env, module }) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-origin-test-'))
  try {
    const outside = createOutside({ observer, via: createViaId(), env, urls: [] })
    const origins = await openOrigins({ config, folder, outside, observer })
    try {
      return await askAll(config, origins, module)
    } finally {
      await origins.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function askAll(config: Config, origins: OpenOrigins, module: ModulePath): Promise<ModuleReport> {
  const route = createRouter(config.routes, origins.all, new Map(), config.uploads).routeOf(module)
  const reports: OriginReport[] = []
  for (const { origin } of route.originsFor(module)) reports.push(await askOrigin(origin, module, route))
  return reportOf(route, reports)
}

function reportOf(
  { modules, private: isPrivate, end, upload }: Route,
  origins: OriginReport[],
): ModuleReport {
  return {
    modules,
    private: isPrivate,
    ...(upload !== undefined && { upload }),
    ends: end,
    origins,
  }
}

async function askOrigin(origin: Origin, module: ModulePath, route: Route): Promise<OriginReport> {
  const options = { ...route.limits, signal: AbortSignal.timeout(PATIENCE), priority: 'client' } as const
  const report: OriginReport = { name: origin.name, facts: [] }
  try {
    for await (const fact of origin.explain?.(module, options) ?? []) report.facts.push(fact)
    const list = await origin.versions(module, options)
    const versions = list === 'unchanged' ? [] : list.versions.map(({ version }) => version)
    report.versions = versions.length
    const newest = versions.reduce((a, b) => max(a, b), '')
    if (newest !== '') report.newest = newest
  } catch (error) {
    report.failure = error instanceof ModsteadError ? error : new ModsteadError('internal', String(error))
  }
  return report
}
