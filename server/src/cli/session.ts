import { factsOf, methodOf, SESSION, type SessionFacts } from '../access/issued/sessions.ts'
import { untilNoneIsFresh } from '../access/tokens/access-tokens.ts'
import { isTokenId } from '../access/tokens/token-format.ts'
import { type CatalogBeside, openCatalogBeside } from '../catalog/catalog-beside.ts'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { catalogIn } from '../store/data-folder.ts'
import { recordAct } from './audit/leave.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'
import { tenantIn } from './tenant-flag.ts'

export interface SessionFlags {
  /** `user:alice`: of whom. */
  for?: string
  /** Of which tenant; default: to list, of all; to end, of the server outside its tenants. */
  tenant?: string
  json?: boolean
}

function placeOf({ tenant = '' }: SessionFlags): { scope: string; kind: string } {
  return { scope: tenant, kind: SESSION }
}

/** `modstead session list`: who is signed in. Throws `config_invalid` for a bad `--for`, and what `openCatalogBeside` throws. */
export async function listSessions(
  given: SessionFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const subject = subjectIn(given)
  const { config } = await readConfig(context, flags)
  if (given.tenant !== undefined) tenantIn(config, given.tenant)
  const catalog = openCatalogBeside(catalogIn(config.dataDir))
  const places = given.tenant === undefined ? ['', ...config.tenants.map(({ name }) => name)] : [given.tenant]
  const sessions = places
    .flatMap((tenant) => sessionsIn(catalog, { tenant }, subject).map((session) => ({ ...session, tenant })))
    .toSorted((a, b) => a.expires - b.expires)
  context.stdout.write(given.json === true ? asJson(sessions) : asText(sessions))
  return EXIT.ok
}

/**
 * `modstead session end ID`, or `--for SUBJECT`: when it returns, no request that arrives after that is let in by a token of
 * them. Throws `not_found`, `config_invalid`, and what `openCatalogBeside` throws.
 */
export async function endSessions(
  id: string | undefined,
  given: SessionFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const subject = subjectIn(given)
  if ((id === undefined) === (subject === undefined))
    throw wrong('expected either the id of a session or --for')
  if (id !== undefined && !isTokenId(id)) throw wrong('what was given is no id of a session')
  const { config } = await readConfig(context, flags)
  if (given.tenant !== undefined) tenantIn(config, given.tenant)
  const catalog = openCatalogBeside(catalogIn(config.dataDir))
  const ids = id === undefined ? sessionsIn(catalog, given, subject).map((session) => session.id) : [id]
  const ended = ids.filter((id) => catalog.removeAuthRecord({ ...placeOf(given), id }))
  if (id !== undefined && ended.length === 0)
    throw new ModsteadError('not_found', `there is no session ${id} in ${config.dataDir}`, {
      next: 'modstead session list shows those that are there',
    })
  const whose = given.tenant === undefined ? {} : { tenant: given.tenant }
  for (const id of ended) await recordAct(config, context, { action: 'session.end', detail: id, ...whose })
  if (ended.length > 0) await untilNoneIsFresh()
  context.stdout.write(
    ended.length === 0 ? `${subject} has no session\n` : ended.map((id) => `${id} is ended\n`).join(''),
  )
  return EXIT.ok
}

function sessionsIn(
  catalog: CatalogBeside,
  given: SessionFlags,
  subject: string | undefined,
): SessionFacts[] {
  const records = catalog.authRecords({ ...placeOf(given), ...(subject !== undefined && { subject }) })
  return records.filter(({ expires }) => expires > Date.now()).map(factsOf)
}

function subjectIn({ for: subject }: SessionFlags): string | undefined {
  if (subject === undefined || /^(user|service|workload):\S{1,256}$/.test(subject)) return subject
  throw wrong(`--for: expected user:NAME, service:NAME or workload:NAME, found ${JSON.stringify(subject)}`)
}

/** `tenant` is empty outside the tenants. */
type ListedSession = SessionFacts & { tenant: string }

function asJson(sessions: readonly ListedSession[]): string {
  const shown = sessions.map(({ id, tenant, principal, via, limit, created, refreshed, expires }) => ({
    id,
    tenant: tenant === '' ? null : tenant,
    subject: `${principal.kind}:${principal.id}`,
    groups: principal.groups,
    via: methodOf({ via }),
    limit: limit ?? null,
    created: new Date(created).toISOString(),
    refreshed: new Date(refreshed).toISOString(),
    expires: new Date(expires).toISOString(),
  }))
  return `${JSON.stringify({ sessions: shown }, null, 2)}\n`
}

function asText(sessions: readonly ListedSession[]): string {
  if (sessions.length === 0) return 'nobody is signed in\n'
  const time = (at: number) => new Date(at).toISOString()
  const lines = sessions.map(
    ({ id, tenant, principal, via, created, refreshed, expires }) =>
      `${id}  ${principal.kind}:${principal.id}  ${tenant === '' ? '' : `tenant ${tenant}; `}via ${methodOf({ via })}; since ${time(created)}; last token ${time(refreshed)}; ends ${time(expires)}`,
  )
  return `${lines.join('\n')}\n`
}

function wrong(message: string): ModsteadError {
  return new ModsteadError('config_invalid', message, { next: 'see modstead session --help' })
}
