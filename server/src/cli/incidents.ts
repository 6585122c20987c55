import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { isIncidentId } from '../http/api/incident-json.ts'
import { remarkProblem } from '../proxy/remark.ts'
import { type CommandContext, EXIT } from './context.ts'
import { incidentSource } from './incident-source.ts'
import { acknowledgementText, incidentText, pageText } from './incident-text.ts'
import { pageLimit } from './page-limit.ts'
import type { RemoteFlags } from './remote.ts'

/** Where incidents are, and how they are printed. */
export interface IncidentFlags extends Partial<RemoteFlags> {
  json?: boolean
}

export interface IncidentListFlags extends IncidentFlags {
  /** Only those that nobody has acknowledged. */
  open?: boolean
  /** How many at most, as it was given: 1 to 200; default 50. */
  limit?: string
  /** Id of an incident: only older ones. */
  before?: string
  /** Exit code 1 where any is listed. */
  exitCode?: boolean
}

/** `modstead incidents list`: the newest first. Throws `config_invalid` for bad flags, and what the source throws. */
export async function listIncidents(
  given: IncidentListFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const { open = false, json = false, exitCode = false } = given
  const limit = pageLimit(given.limit)
  const before = given.before === undefined ? {} : { before: checkId('--before: ', given.before) }
  const source = await incidentSource(given, flags, context)
  const page = await source.list({ limit, ...before, ...(open && { open }) })
  context.stdout.write(json ? asJson(page) : pageText(page, open))
  return exitCode && page.incidents.length > 0 ? EXIT.failure : EXIT.ok
}

/** `modstead incidents show ID`: all that is known of one, and what to do about it. */
export async function showIncident(
  id: string,
  given: IncidentFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  checkId('', id)
  const source = await incidentSource(given, flags, context)
  const incident = await source.show(id)
  context.stdout.write(given.json ? asJson(incident) : incidentText(incident))
  return EXIT.ok
}

/** `modstead incidents ack ID --note TEXT`: somebody has looked at it. Done again, the first one holds. */
export async function acknowledgeIncident(
  id: string,
  given: IncidentFlags & { note: string },
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  checkId('', id)
  const note = given.note.replace(/\s+/gu, ' ').trim()
  const problem = remarkProblem(note)
  if (problem !== undefined)
    throw new ModsteadError('config_invalid', `--note: the note ${problem}`, {
      next: 'say in a line what it was and what you did: whoever looks at the incident later reads it',
    })
  const source = await incidentSource(given, flags, context)
  const incident = await source.acknowledge(id, note)
  const text = () =>
    acknowledgementText(incident, { note, ...(source.who !== undefined && { who: source.who }) })
  context.stdout.write(given.json ? asJson(incident) : text())
  return EXIT.ok
}

function asJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function checkId(flag: string, id: string): string {
  if (isIncidentId(id)) return id
  throw new ModsteadError('config_invalid', `${flag}${JSON.stringify(id)} is not the id of an incident`, {
    next: 'write an id as the list and the errors of go show it, such as inc-7k3m-02pq',
  })
}
