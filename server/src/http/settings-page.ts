import type { ClientGuide } from '../config/client-guides.ts'
import type { ClientSetting } from '../config/client-settings.ts'
import { escapeHtml, htmlPage } from './html-page.ts'

/** The guides as a page. */
export function settingsHtml(guides: readonly ClientGuide[]): string {
  const contents = guides.map(({ name, title }) => `<a href="#${name}">${escapeHtml(title)}</a>`)
  const sections = guides.map(({ name, title, steps }) => {
    const paragraphs = steps.map(({ text, lines }) => {
      const code = lines && `:</p>\n<pre><code>${escapeHtml(lines.join('\n'))}</code></pre>`
      return `<p>${escapeHtml(text)}${code ?? '.</p>'}`
    })
    return `<h2 id="${name}">${escapeHtml(title)}</h2>\n${paragraphs.join('\n')}`
  })
  const body = `<h1>Settings</h1>\n<p>${contents.join(' ')}</p>\n${sections.join('\n')}`
  return htmlPage({ title: 'modstead: settings', body })
}

/** The same for a terminal; also what `modstead settings` prints. */
export function settingsText(guides: readonly ClientGuide[]): string {
  return guides
    .map(({ title, steps }) => {
      const texts = steps.map(({ text, lines }) =>
        lines === undefined
          ? `${text}.\n`
          : `${text}:\n\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`,
      )
      return `${title}\n${'-'.repeat(title.length)}\n${texts.join('\n')}`
    })
    .join('\n')
}

/** The same for programs: what `go` is told, and the guides. */
export function settingsJson(settings: readonly ClientSetting[], guides: readonly ClientGuide[]): string {
  return `${JSON.stringify({ settings, guides })}\n`
}
