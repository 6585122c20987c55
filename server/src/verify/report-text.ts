import type { Claim, Side } from './claims.ts'
import type { Finding } from './finding.ts'
import type { Report } from './verify.ts'
import { shownPlace } from './wording.ts'

/** Names that are listed where many versions share a reason. */
const NAMED = 5

/** The report for people: what was found, what to do, and a summary in the last paragraph. */
export function formatReport(report: Report): string {
  const apart = report.findings.filter(({ kind }) => kind !== 'not_compared')
  const paragraphs = [
    ...apart.map(formatFinding),
    ...formatNotCompared(report.findings),
    formatSummary(report),
  ]
  return `${paragraphs.join('\n\n')}\n`
}

function formatFinding(finding: Finding): string {
  const { path, version, artifact, message, details, steps, security } = finding
  const marked = security ? `SECURITY: ${message}` : message
  const about =
    path === undefined ? [] : [`${path}@${version}${artifact === undefined ? '' : ` (${artifact})`}`]
  const explained = details === undefined ? [] : printable(details).map((line) => `  | ${line}`)
  const todo = steps.flatMap(({ text, commands }, i) => [
    `  ${i + 1}. ${text}`,
    ...commands.map((command) => `         ${command}`),
  ])
  return [
    ...about,
    about.length === 0 ? marked : `  ${marked}`,
    ...formatClaims(finding),
    ...explained,
    ...todo,
  ].join('\n')
}

/** What every side says; where in the cache it lies only of those that are wrong or could be. */
function formatClaims({ claims, wrong, kind }: Finding): string[] {
  const width = Math.max(0, ...claims.map((claim) => nameOf(claim).length))
  return claims.flatMap((claim) => {
    const isWrong = wrong.includes(claim.side) && (claim.side !== 'go_sum' || isOdd(claim, claims))
    const line = `    ${nameOf(claim).padEnd(width)}  ${claim.hash}${isWrong ? '  wrong' : ''}`
    const isAsked = isWrong || kind === 'undecided'
    return isAsked && IN_CACHE.has(claim.side)
      ? [line, `    ${' '.repeat(width)}  ${shownPlace(claim.where)}`]
      : [line]
  })
}

/** Of two files with a line each only one may be wrong. */
function isOdd({ hash }: Claim, claims: readonly Claim[]): boolean {
  return claims.every((claim) => claim.side !== 'database' || claim.hash !== hash)
}

/** One paragraph a reason: where a network is gone, it is the same for all. */
function formatNotCompared(findings: readonly Finding[]): string[] {
  const byMessage = Map.groupBy(
    findings.filter(({ kind }) => kind === 'not_compared'),
    ({ message }) => message,
  )
  return Array.from(byMessage, ([message, all]) => {
    const names = all.flatMap(({ path, version }) => (path === undefined ? [] : [`${path}@${version}`]))
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
    const about = names.length === 0 ? [] : [`${names.slice(0, NAMED).join(', ')}${more}`]
    const todo = all[0]!.steps.map(({ text }) => text)
    return [...about, ...[message, ...todo].map((line) => (about.length === 0 ? line : `  ${line}`))].join(
      '\n',
    )
  })
}

function formatSummary({ versions, database, proxy, files, findings, result }: Report): string {
  const all = Object.values(versions).reduce((sum, count) => sum + count, 0)
  const { proven, agree, uncovered, differs, not_compared: notCompared } = versions
  const others = findings.filter(({ path, kind }) => path === undefined && kind !== 'not_compared').length
  const parts = [
    [proven, `proven by ${database}`],
    [agree, 'not covered by a checksum database, and the same wherever they are'],
    [uncovered, 'with nothing to compare with'],
    [differs, 'with differences'],
    [notCompared, 'not compared'],
  ] as const
  const counted = parts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []))
  const of = files.length > 0 ? `${files.map(shownPlace).join(' and ')}: ` : ''
  const lines = [`${of}${plural(all, 'version')}${counted.length > 0 ? `: ${counted.join(', ')}` : ''}.`]
  if (others > 0) lines.push(`${plural(others, 'finding')} beside them.`)
  if (uncovered > 0 && proxy === undefined && result !== 'differences')
    lines.push('A modstead that has private versions can be compared with: --to its address.')
  return lines.join('\n')
}

function nameOf({ side, where }: Claim): string {
  return NAMES[side] ?? shownPlace(where)
}

/** Absent where the place says it better. */
const NAMES: Partial<Record<Side, string>> = {
  zip: 'cached zip',
  ziphash: 'cached .ziphash',
  folder: 'extracted folder',
  mod: 'cached .mod',
}

const IN_CACHE: ReadonlySet<Side> = new Set(['zip', 'ziphash', 'folder', 'mod'])

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** Lines without anything that a terminal would obey. */
function printable(text: string): string[] {
  return text.split('\n').map((line) => line.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '?'))
}
