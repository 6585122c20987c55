/** Incidents for people at a terminal. */
import type { IncidentJson, IncidentPage } from '../http/api/incident-json.ts'
import { INCIDENT_KINDS } from '../proxy/incident-kinds.ts'

/** A table, the newest first, with the way to the next page. */
export function pageText({ incidents, nextBefore }: IncidentPage, open: boolean): string {
  if (incidents.length === 0) return open ? 'no open incidents\n' : 'no incidents\n'
  const rows = incidents.map((incident) => [
    incident.id,
    minute(incident.at),
    String(incident.count),
    incident.kind,
    nameOf(incident) || '-',
    incident.source,
    incident.acknowledged === undefined ? 'open' : `acknowledged by ${incident.acknowledged.who}`,
  ])
  const lines = table([['ID', 'FIRST SEEN (UTC)', 'TIMES', 'KIND', 'VERSION', 'FROM', 'STATE'], ...rows])
  if (nextBefore !== undefined) lines.push(`older ones: --before ${nextBefore}`)
  return `${lines.map(printable).join('\n')}\n`
}

/** All there is to an incident, what it means, and what to do. */
export function incidentText(incident: IncidentJson): string {
  const { id, kind, realm, source, expected, found, outcome, count, at, lastAt, acknowledged } = incident
  // A newer server may know kinds that this command does not.
  const known = Object.hasOwn(INCIDENT_KINDS, kind) ? INCIDENT_KINDS[kind] : undefined
  const name = nameOf(incident)
  const times = count === 1 ? 'once' : `${count} times, last on ${minute(lastAt)}`
  const facts: [what: string, said: string][] = [
    ...(name === '' ? [] : [['version', `${name} (realm ${realm})`] as [string, string]]),
    ['from', source],
    ['expected', expected],
    ['found', found],
    ['outcome', outcome],
    ['seen', `${times}${count === 1 ? ' on' : ', first on'} ${minute(at)}`],
    ['state', acknowledged === undefined ? 'open' : `acknowledged ${remarkText(acknowledged)}`],
  ]
  const lines = [`${id}: ${known?.title ?? kind}`, '']
  for (const [what, said] of facts)
    lines.push(`  ${what.padEnd(8)}  ${said.trimEnd().replaceAll('\n', `\n${' '.repeat(12)}`)}`)
  if (known !== undefined) {
    lines.push('', known.meaning, '', 'What to do:')
    for (const [i, step] of known.steps.entries()) lines.push(`  ${i + 1}. ${step}`)
  }
  if (acknowledged === undefined)
    lines.push('', `When that is done: modstead incidents ack ${id} --note "what it was"`)
  return `${printable(lines.join('\n'))}\n`
}

/** What an acknowledgement came to: `who` is absent where only the server knows it. */
export function acknowledgementText(
  { id, acknowledged }: IncidentJson,
  given: { note: string; who?: string },
): string {
  if (acknowledged === undefined) return printable(`${id} is open\n`)
  const ours = acknowledged.note === given.note && (given.who ?? acknowledged.who) === acknowledged.who
  const how = ours ? 'is acknowledged' : 'was acknowledged before, which stays:'
  return `${printable(`${id} ${how} ${remarkText(acknowledged)}`)}\n`
}

function remarkText({ who, at, note }: NonNullable<IncidentJson['acknowledged']>): string {
  return `by ${who} on ${minute(at)}: ${note}`
}

function nameOf({ module, version }: IncidentJson): string {
  return version === '' ? module : `${module}@${version}`
}

/** `2026-03-01 09:12` out of RFC 3339. */
function minute(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}

function table(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

/** Some of it was said by strangers, who could otherwise steer the terminal. */
function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, '?')
}
