import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openSqliteCatalog } from '../../catalog/sqlite-catalog.ts'
import type { IssuedConfig, WorkloadIssuer } from '../../config/access/access-config.ts'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import { openIssued } from '../../open-issued.ts'
import { peopleOf } from '../people.ts'
import type { Judgement } from '../credential.ts'
import type { Principal } from '../principal.ts'

export const START = Date.UTC(2026, 0, 15)
export const ISSUER = 'https://go.corp.example'
export const HOUR = 3_600_000
export const DAY = 24 * HOUR
export const USUAL: IssuedConfig = {
  lifetime: DAY,
  refresh: 30 * DAY,
  rotate: 30 * DAY,
  outage: DAY,
  algorithm: 'HS512',
}
export const ALICE = { kind: 'user', id: 'alice', groups: ['dev'] } as const

export interface IssuedSetUp {
  issued?: Partial<IssuedConfig>
  workloads?: readonly WorkloadIssuer[]
  issuer?: string
  scope?: string
  groups?: ReadonlyMap<string, readonly string[]>
}

/** A catalog on which several processes may open what is issued, with a clock that is moved by hand. */
export async function setUp(t: TestContext) {
  const file = join(await temporaryFolder(t), 'catalog.db')
  const observer = createTestObserver()
  const clock = { now: START }
  const closing: (() => Promise<void>)[] = []
  const opened: { close(): Promise<void> }[] = []
  t.after(async () => {
    for (const close of closing) await close()
    for (const catalog of opened) await catalog.close()
  })

  async function open({
    issued,
    workloads = [],
    issuer = ISSUER,
    scope = '',
    groups = new Map(),
  }: IssuedSetUp = {}) {
    const catalog = await openSqliteCatalog(file, { observer })
    opened.push(catalog)
    const parts = await openIssued({
      access: { issued: { ...USUAL, ...issued }, workloads },
      records: catalog,
      observer,
      env: {},
      closing,
      issuer,
      scope,
      now: () => clock.now,
    })
    const credential = parts.credential(peopleOf(groups))
    const judge = async (secret: string): Promise<Judgement> =>
      credential({ secret }, { address: '192.0.2.1', now: clock.now })
    return { ...parts, credential, credentialOf: parts.credential, catalog, judge }
  }
  return { clock, observer, open, file }
}

export function bearer(judgement: Judgement): Principal | undefined {
  return typeof judgement === 'object' && 'principal' in judgement ? judgement.principal : undefined
}
