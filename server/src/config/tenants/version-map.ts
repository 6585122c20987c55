import { z } from 'zod'
import { checkPattern } from '@modstead/gomod/pattern'
import { canonicalVersion } from '@modstead/gomod/version'
import type { VersionMapEntry } from '../config.ts'
import { type BuildContext, complain, shown } from '../context.ts'
import { flag, instant, text, texts } from '../fields.ts'

export const versionMapSchema = z.array(
  z.strictObject({
    modules: texts('a module pattern such as corp.example/lib').describe('Module patterns, as in routes.'),
    version: text('"LATEST", "STABLE" or a version such as v1.4.2').describe(
      'What `latest` is for these modules: `LATEST`, whatever is newest; `STABLE`, the version promoted last; or one version.',
    ),
    from: instant()
      .optional()
      .describe(
        'The time from which it holds. Of the entries for a module the one that began last holds. Default: always.',
      ),
    enforce: flag()
      .prefault(false)
      .describe(
        'Whether the zips of other versions are refused. Their go.mod files stay readable: `go` needs them.',
      ),
  }),
)

type FileEntry = z.output<typeof versionMapSchema>[number]

/** The entries of `versions`, the later ones before the earlier, those without a time last. */
export function buildVersionMap(context: BuildContext, file: readonly FileEntry[]): VersionMapEntry[] {
  const built = file.map(({ modules, version, from = -Infinity, enforce }, index): VersionMapEntry => {
    const path = ['versions', index]
    for (const [i, pattern] of modules.entries()) {
      const problem = checkPattern(pattern)
      const at = [...path, 'modules', i]
      if (problem !== undefined)
        complain(context, at, `the pattern ${shown(context, at, pattern)} is no use: ${problem}`)
    }
    if (version !== 'LATEST' && version !== 'STABLE' && canonicalVersion(version) !== version)
      complain(
        context,
        [...path, 'version'],
        `expected "LATEST", "STABLE" or a canonical version such as v1.4.2, found ${shown(context, [...path, 'version'], version)}`,
      )
    if (version === 'LATEST' && enforce)
      complain(context, [...path, 'enforce'], 'has no meaning with LATEST, which leaves every version open')
    return { modules, version, from, enforce }
  })
  return built.toSorted((a, b) => b.from - a.from || 0)
}

/** `versions` as a file would say it. */
export function describeVersionMap(entries: readonly VersionMapEntry[]): Record<string, unknown>[] {
  return entries.map(({ modules, version, from, enforce }) => ({
    modules: [...modules],
    version,
    ...(from !== -Infinity && { from: new Date(from).toISOString() }),
    enforce,
  }))
}
