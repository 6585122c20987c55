import type { ActRow } from './catalog.ts'
import type { Parts } from './parts.ts'
import { KINDS } from './wanted.ts'

/**
 * Brings an act that was begun to its end. A deletion holds from its beginning: its files go. A publication never
 * happened unless its end is written: what it left in the store goes, but for files that are facts for another reason.
 */
export async function settleAct(
  { catalog, store }: Pick<Parts, 'catalog' | 'store'>,
  act: ActRow,
): Promise<void> {
  const { id, realm, module, version } = act
  const row = await catalog.version(realm, module, version)
  const facts = { zip: row?.h1 !== undefined, mod: row?.goModH1 !== undefined, info: row?.info === true }
  for (const kind of KINDS)
    if (row?.deleted !== undefined || !facts[kind]) await store.remove({ realm, module, version, kind })
  await catalog.end(id, act.act === 'delete' ? 'done' : 'undone')
}

/**
 * Settles what a crash left begun. To be called before anything is served. What fails is logged and left for the next
 * start: a disk in trouble must not keep the rest from being served.
 */
export async function settleActs(parts: Pick<Parts, 'catalog' | 'store' | 'observer'>): Promise<void> {
  const { catalog, observer } = parts
  try {
    const begun = await catalog.acts({ limit: 1_000_000, begun: true })
    for (const act of begun) {
      await settleAct(parts, act)
      observer.log.warn(
        { ...act },
        `a crash cut off this ${act.act === 'delete' ? 'deletion, which is done now' : 'publication, which is undone now'}`,
      )
    }
  } catch (error) {
    observer.log.error({ err: error }, 'what a crash left of a publication or deletion could not be settled')
  }
}
