import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { ActRow } from './catalog.ts'
import type { Parts } from './parts.ts'
import type { Realm } from './store.ts'
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

/** Settles what earlier acts on a version left begun when the disk failed. Only for whoever has the turn of its module. */
export async function settleVersion(
  parts: Pick<Parts, 'catalog' | 'store'>,
  { realm, module, version }: { realm: Realm; module: ModulePath; version: Version },
): Promise<void> {
  for (const act of await parts.catalog.unfinished(realm, module))
    if (act.version === version) await settleAct(parts, act)
}

/**
 * Settles what a crash left begun. To be called before anything is served. What fails is logged and left for the next
 * act on its version or the next start: a disk in trouble must not keep the rest from being served.
 */
export async function settleActs(parts: Pick<Parts, 'catalog' | 'store' | 'observer'>): Promise<void> {
  const { catalog, observer } = parts
  try {
    for (const act of await catalog.acts({ limit: 1_000_000, begun: true })) await settleLogged(parts, act)
  } catch (error) {
    observer.log.error({ err: error }, 'what a crash left of publications and deletions could not be read')
  }
}

async function settleLogged(
  parts: Pick<Parts, 'catalog' | 'store' | 'observer'>,
  act: ActRow,
): Promise<void> {
  const { log } = parts.observer
  const what = act.act === 'delete' ? 'deletion' : 'publication'
  try {
    await settleAct(parts, act)
    log.warn(
      { ...act },
      `a crash cut off this ${what}, which is ${act.act === 'delete' ? 'done' : 'undone'} now`,
    )
  } catch (error) {
    log.error({ err: error, ...act }, `what a crash left of this ${what} could not be settled`)
  }
}
