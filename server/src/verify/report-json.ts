import type { Report } from './verify.ts'

/**
 * The report for programs, described in docs/verify.md. `format` grows when something is renamed or taken away; what is
 * added does not change it.
 */
export function reportJson(report: Report): string {
  const { result, files, cache, database = null, proxy = null, versions, findings } = report
  const all = findings.map(({ path = null, version = null, artifact = null, ...rest }) => ({
    path,
    version,
    artifact,
    ...rest,
  }))
  const shape = { format: 1, result, files, cache, database, proxy, versions, findings: all }
  return `${JSON.stringify(shape, undefined, 2)}\n`
}
