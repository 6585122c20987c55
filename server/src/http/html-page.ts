import { createHash } from 'node:crypto'
import { assignment, clientNotes, type ClientSetting } from '../config/client-settings.ts'

/** A page for people: no scripts, nothing loaded from anywhere, readable without its style sheet. Both texts are HTML. */
export function htmlPage({ title, meta = '', body }: { title: string; meta?: string; body: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${meta}<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
}

/** The lines to copy: for good in any shell, and for the shell at hand. */
function goLines(settings: readonly ClientSetting[]): { title: string; lines: string[] }[] {
  return [
    { title: 'For good', lines: settings.map((setting) => `go env -w ${assignment(setting)}`) },
    { title: 'For this shell', lines: settings.map((setting) => `export ${assignment(setting)}`) },
    { title: 'For this PowerShell', lines: settings.map(({ name, value }) => `$env:${name} = "${value}"`) },
  ]
}

/** The same for a terminal, a heading above each. */
export function goLinesText(settings: readonly ClientSetting[]): string[] {
  return [
    ...goLines(settings).flatMap(({ title, lines }) => [`${title}:`, ...lines.map((line) => `  ${line}`)]),
    ...clientNotes(settings).map((note) => `${note}.`),
  ]
}

/** The same as paragraphs of HTML. */
export function goLinesHtml(settings: readonly ClientSetting[]): string {
  const paragraphs = goLines(settings).map(
    ({ title, lines }) => `<p>${title}:</p>\n<pre><code>${escapeHtml(lines.join('\n'))}</code></pre>`,
  )
  return [...paragraphs, ...clientNotes(settings).map((note) => `<p>${escapeHtml(note)}.</p>`)].join('\n')
}

/** The text as it may stand between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881 }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 44rem; margin: 0 auto; padding: 2rem 1rem }
h1 { margin: 0; font-size: clamp(1.25rem, 6vw, 2rem); overflow-wrap: anywhere }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem }
pre { overflow-x: auto; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--soft) }
dl { display: grid; grid-template-columns: max-content auto; gap: .25rem 1.5rem; margin: 0 }
dd { margin: 0; font-variant-numeric: tabular-nums }
footer { margin-top: 3rem; border-top: 1px solid var(--line) }
a { margin-right: 1rem }
form { margin: 1rem 0 }
form p { margin: .5rem 0 }
label { display: block }
input, button, .button { font: inherit; padding: .4rem .8rem; border: 1px solid var(--line); border-radius: .4rem }
input { width: 100%; max-width: 22rem; box-sizing: border-box }
button, .button { display: inline-block; cursor: pointer; color: inherit; text-decoration: none; background: var(--soft) }
.code { font: 1.5rem/1.5 ui-monospace, monospace; letter-spacing: .1em }
.warning { padding: .75rem 1rem; border: 1px solid var(--line); border-left-width: .4rem; border-radius: .4rem }
table { display: block; overflow-x: auto; border-collapse: collapse }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
td form { margin: 0 }
`

/**
 * The Content-Security-Policy of such pages: a style sheet of their own, and nothing else. `forms` are the sources that
 * forms may be sent to, and be redirected to from there.
 */
export function htmlPolicy(forms: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "base-uri 'none'",
    `form-action ${forms.length === 0 ? "'none'" : forms.join(' ')}`,
    "frame-ancestors 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  ].join('; ')
}

/** That of pages without forms. */
export const HTML_POLICY = htmlPolicy()
