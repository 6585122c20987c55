import type { VersionFacts } from './catalog.ts'
import type { Parts } from './parts.ts'
import { isWrong } from './setbacks.ts'
import type { Source, Wanted } from './wanted.ts'

/**
 * Writes down what was proven of a file; of one that comes from an origin before anybody can see it in the store. What
 * became known since it was compared may contradict it: then it is compared again, for that records the incident.
 */
export async function learnFacts(
  { catalog, incidents }: Pick<Parts, 'catalog' | 'incidents'>,
  { route, module, version }: Wanted,
  source: Source,
  facts: VersionFacts,
): Promise<void> {
  const { realm } = route
  try {
    await catalog.learn(realm, module, version, { ...facts, origin: source.name })
  } catch (error) {
    if (!isWrong(error)) throw error
    const known = await catalog.version(realm, module, version)
    const name = { realm, module, version }
    const { commit, h1, goModH1 } = facts
    await incidents.proveCommit({ ...name, commit, known: known?.commit, source: source.name })
    const claim = { ...name, source, record: undefined }
    if (h1 !== undefined) await incidents.prove({ ...claim, kind: 'zip', hash: h1, known: known?.h1 })
    if (goModH1 !== undefined)
      await incidents.prove({ ...claim, kind: 'mod', hash: goModH1, known: known?.goModH1 })
    throw error
  }
}
