import { escapeHtml, goLinesHtml, goLinesText, htmlPage } from './html-page.ts'
import type { ClientSetting } from '../config/client-settings.ts'

/** What the home page tells. */
export interface HomeFacts {
  /** The tenant whose home page it is. */
  tenant?: string | undefined
  /** The address for GOPROXY, with prefix and without a trailing slash. */
  address: string
  /** What `go` needs to use it, the address included. */
  settings: readonly ClientSetting[]
  /** People sign in with a browser, and have a page of theirs. */
  signsIn?: boolean | undefined
  version: string
  /** Names of the checksum databases that can be asked here, mirrored or our own. */
  databases: readonly string[]
  /** What is stored; absent where it cannot be counted now. */
  totals?: Totals | 'untold' | undefined
}

/** `zipBytes` is in bytes. */
export interface Totals {
  modules: number
  versions: number
  zipBytes: number
  incidents: number
  /** Those that nobody has acknowledged. */
  openIncidents: number
}

/** The home page for browsers: no scripts, nothing loaded from anywhere, readable without its style sheet. */
export function homeHtml(facts: HomeFacts): string {
  const databases = facts.databases.map((name) => `<li><code>${escapeHtml(name)}</code></li>`).join('')
  const stored = storedLines(facts.totals)
    .map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`)
    .join('')
  const body = `<h1>modstead</h1>
<p>A Go module proxy${facts.tenant === undefined ? '' : ` for ${escapeHtml(facts.tenant)}`} at <code>${escapeHtml(facts.address)}</code></p>
<h2>Use it</h2>
${goLinesHtml(facts.settings)}
<p><a href="${escapeHtml(facts.address)}/settings">Sign in, and settings for CI, Docker and netrc</a>${facts.signsIn === true ? ` <a href="${escapeHtml(facts.address)}/auth">Where you are signed in</a>` : ''}</p>
${stored === '' ? '' : `<h2>Stored here</h2>\n<dl>${stored}</dl>\n`}${databases === '' ? '' : `<h2>Checksum databases</h2>\n<ul>${databases}</ul>\n`}${facts.tenant === undefined ? HEALTH : ''}<footer><p>modstead ${escapeHtml(facts.version)}</p></footer>`
  return htmlPage({ title: 'modstead', body })
}

/** The same for a terminal. */
export function homeText(facts: HomeFacts): string {
  const stored = storedLines(facts.totals).map(([name, value]) => `  ${name}: ${value}`)
  const databases =
    facts.databases.length === 0 ? [] : [`Checksum databases: ${facts.databases.join(', ')}`, '']
  return [
    `modstead ${facts.version}: a Go module proxy${facts.tenant === undefined ? '' : ` for ${facts.tenant}`} at ${facts.address}`,
    '',
    ...goLinesText(facts.settings),
    '',
    `Sign in, and settings for CI, Docker and netrc: ${facts.address}/settings`,
    '',
    ...(stored.length === 0 ? [] : ['Stored here:', ...stored, '']),
    ...databases,
    ...(facts.tenant === undefined ? ['Health: /readyz /healthz /metrics', ''] : []),
  ].join('\n')
}

const HEALTH = `<h2>Health</h2>
<p><a href="/readyz">Ready?</a> <a href="/healthz">Alive?</a> <a href="/metrics">Metrics</a></p>
`

function storedLines(totals: HomeFacts['totals']): [name: string, value: string][] {
  if (totals === 'untold') return []
  if (totals === undefined) return [['Modules', 'not known now']]
  return [
    ['Modules', count(totals.modules)],
    ['Versions', count(totals.versions)],
    ['Zips', size(totals.zipBytes)],
    ['Incidents', `${count(totals.incidents)} (${count(totals.openIncidents)} open)`],
  ]
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}

function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** unit).toLocaleString('en-US', { maximumFractionDigits: 1 })} ${units[unit]}`
}
