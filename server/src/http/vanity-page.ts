import type { ClientSetting } from '../config/client-settings.ts'
import { escapeHtml, goLinesHtml, goLinesText, htmlPage } from './html-page.ts'
import type { VanityImport } from './vanity.ts'

/** What such pages are made of. */
export interface VanityFacts extends VanityImport {
  /** The address for GOPROXY. */
  address: string
  /** What `go` needs to use it. */
  settings: readonly ClientSetting[]
}

/**
 * The page that `go` reads and people may: the `go-import` tags first, that of modstead before that of git. The lines to
 * set up `go` stand before the one that uses the module: without them its name goes to public proxies first.
 *
 * `go` prefers modstead, so that GOPROXY=direct gets the same modules without git; the tag for git is for other tools
 * and for GOVCS. Before 1.25 `go` passes over tags with a fourth field, the folder, which a module proxy never needs.
 */
export function vanityHtml(facts: VanityFacts): string {
  const { path, root, repository, subdirectory, source, home, address, settings } = facts
  const tags = [
    ['go-import', `${root} mod ${address}`],
    ['go-import', [root, 'git', repository, subdirectory].join(' ').trim()],
    ...(source === undefined
      ? []
      : [['go-source', `${root} ${source.home} ${source.directory} ${source.file}`]]),
  ]
  const meta = tags.map(([name, content]) => `<meta name="${name}" content="${escapeHtml(content!)}">\n`)
  const folder = subdirectory === '' ? '' : `, folder <code>${escapeHtml(subdirectory)}</code>`
  const body = `<h1>${escapeHtml(path)}</h1>
<p>Go code in the repository <a href="${escapeHtml(home)}">${escapeHtml(home)}</a></p>
<h2>Set up</h2>
${goLinesHtml(settings)}
<h2>Use it</h2>
<pre><code>${escapeHtml(getLine(path))}</code></pre>
<h2>With git</h2>
<p><code>${escapeHtml(repository)}</code>${folder}</p>`
  return htmlPage({ title: escapeHtml(path), meta: meta.join(''), body })
}

/** The same for a module that this server has itself: only through its own proxy, for there is no repository. */
export function ownHtml(path: string, address: string): string {
  const meta = `<meta name="go-import" content="${escapeHtml(`${path} mod ${address}`)}">\n`
  const body = `<h1>${escapeHtml(path)}</h1>
<p>The laptop helper of modstead: <a href="${escapeHtml(address)}/settings">how to install and use it</a></p>`
  return htmlPage({ title: escapeHtml(path), meta, body })
}

/** The same for a terminal. */
export function vanityText({ path, repository, subdirectory, home, settings }: VanityFacts): string {
  return [
    `${path}: Go code in the repository ${home}`,
    '',
    'Set up',
    ...goLinesText(settings),
    '',
    'Use it:',
    `  ${getLine(path)}`,
    '',
    'With git:',
    `  ${repository}${subdirectory === '' ? '' : ` (folder ${subdirectory})`}`,
    '',
  ].join('\n')
}

function getLine(path: string): string {
  return `go get ${path}@latest`
}
