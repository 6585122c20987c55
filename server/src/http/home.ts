import { createHash } from 'node:crypto'
import { assignment, type ClientSetting } from '../config/client-settings.ts'

/** What the home page tells. */
export interface HomeFacts {
  /** The address for GOPROXY, with prefix and without a trailing slash. */
  address: string
  /** What `go` needs to use it, the address included. */
  settings: readonly ClientSetting[]
  version: string
  /** Names of the mirrored checksum databases. */
  databases: readonly string[]
  /** What is stored; absent where it cannot be counted now. */
  totals?: Totals | undefined
}

/** `zipBytes` is in bytes. */
export interface Totals {
  modules: number
  versions: number
  zipBytes: number
  incidents: number
}

/** The home page for browsers: no scripts, nothing loaded from anywhere, readable without its style sheet. */
export function homeHtml(facts: HomeFacts): string {
  const lines = goLines(facts.settings)
    .map(({ title, lines }) => `<p>${title}:</p>\n<pre><code>${escapeHtml(lines.join('\n'))}</code></pre>`)
    .join('\n')
  const databases = facts.databases.map((name) => `<li><code>${escapeHtml(name)}</code></li>`).join('')
  const stored = storedLines(facts.totals)
    .map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`)
    .join('')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>modstead</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>modstead</h1>
<p>A Go module proxy at <code>${escapeHtml(facts.address)}</code></p>
<h2>Use it</h2>
${lines}
<h2>Stored here</h2>
<dl>${stored}</dl>
${databases === '' ? '' : `<h2>Checksum databases mirrored</h2>\n<ul>${databases}</ul>\n`}<h2>Health</h2>
<p><a href="/readyz">Ready?</a> <a href="/healthz">Alive?</a> <a href="/metrics">Metrics</a></p>
<footer><p>modstead ${escapeHtml(facts.version)}</p></footer>
</main>
</body>
</html>
`
}

/** The same for a terminal. */
export function homeText(facts: HomeFacts): string {
  const lines = goLines(facts.settings).flatMap(({ title, lines }) => [
    `${title}:`,
    ...lines.map((line) => `  ${line}`),
  ])
  const stored = storedLines(facts.totals).map(([name, value]) => `  ${name}: ${value}`)
  const databases =
    facts.databases.length === 0 ? [] : [`Checksum databases mirrored: ${facts.databases.join(', ')}`, '']
  return [
    `modstead ${facts.version}: a Go module proxy at ${facts.address}`,
    '',
    ...lines,
    '',
    'Stored here:',
    ...stored,
    '',
    ...databases,
    'Health: /readyz /healthz /metrics',
    '',
  ].join('\n')
}

/** Headers of the HTML page besides its type: it may hold a style sheet of its own, and nothing else. */
export function homePolicy(): string {
  const hash = createHash('sha256').update(STYLE).digest('base64')
  const nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  return `${nothing}; style-src 'sha256-${hash}'`
}

/** The lines to copy: for good in any shell, and for the shell at hand. */
function goLines(settings: readonly ClientSetting[]): { title: string; lines: string[] }[] {
  return [
    { title: 'For good', lines: settings.map((setting) => `go env -w ${assignment(setting)}`) },
    { title: 'For this shell', lines: settings.map((setting) => `export ${assignment(setting)}`) },
    { title: 'For this PowerShell', lines: settings.map(({ name, value }) => `$env:${name} = "${value}"`) },
  ]
}

function storedLines(totals: Totals | undefined): [name: string, value: string][] {
  if (totals === undefined) return [['Modules', 'not known now']]
  return [
    ['Modules', count(totals.modules)],
    ['Versions', count(totals.versions)],
    ['Zips', size(totals.zipBytes)],
    ['Incidents', count(totals.incidents)],
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

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881 }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 44rem; margin: 0 auto; padding: 2rem 1rem }
h1 { margin: 0 }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem }
pre { overflow-x: auto; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--soft) }
dl { display: grid; grid-template-columns: max-content auto; gap: .25rem 1.5rem; margin: 0 }
dd { margin: 0; font-variant-numeric: tabular-nums }
footer { margin-top: 3rem; border-top: 1px solid var(--line) }
a { margin-right: 1rem }
`
