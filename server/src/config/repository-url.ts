/**
 * URLs of repositories. What git makes of a URL is wider than what anybody needs: `ext::` runs a command, a host or path
 * that begins with a dash is taken for an option, an escaped line break becomes a second line for a credential helper.
 * So they are read narrowly, once, and git is given what came out.
 */

/** What a URL may be where a person wrote it into the configuration, and where a stranger's page names it. */
export type UrlSource = 'configuration' | 'page'

const HOST = /^(?:[a-z0-9_][a-z0-9_-]*(?:\.[a-z0-9_][a-z0-9_-]*)*|\[[0-9a-f:.]+\])$/
const USER = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/

/**
 * Reads the URL of a repository: `https:`, `http:` and `ssh:` (also written `git+ssh:`), with a host in lower case. The
 * configuration may also say `file:`, and `user@host:path` for ssh. Gives a text that completes "expected …" for
 * anything else.
 */
export function parseRepositoryUrl(text: string, source: UrlSource): URL | string {
  if (/[^\x21-\x7e]|[\\"<>^`{}|]/.test(text)) return 'a URL without spaces, quotes, braces or backslashes'
  const written = source === 'configuration' ? fromScpForm(text) : text
  const [, scheme = ''] = /^([a-z][a-z+]*):\/\//i.exec(written) ?? []
  const protocol = scheme.toLowerCase().replace(/^git\+ssh$/, 'ssh')
  const schemes = source === 'configuration' ? ['https', 'http', 'ssh', 'file'] : ['https', 'http', 'ssh']
  if (!schemes.includes(protocol)) return `a URL of ${schemes.map((name) => `${name}:`).join(', ')}`
  const rest = written.slice(scheme.length)
  const problem = problemOfText(rest)
  if (problem !== undefined) return problem
  const url = URL.parse(protocol + rest)
  if (url === null) return 'a URL such as https://git.corp.example/team/tool'
  return problemOfParts(url) ?? url
}

/** `git@host:team/tool` is how people write ssh URLs. */
function fromScpForm(text: string): string {
  const parts = /^(?:([^:/@]+)@)?([^:/@]+):(?!\/\/|:)\/?(.+)$/.exec(text)
  if (parts === null) return text
  const [, user, host = '', path] = parts
  // A word and a colon are more likely a scheme with its slashes forgotten.
  if (user === undefined && !host.includes('.')) return text
  return `ssh://${user === undefined ? '' : `${user}@`}${host}/${path}`
}

function problemOfText(rest: string): string | undefined {
  if (/[?#]/.test(rest)) return 'a URL without "?" and "#"'
  if (/%(?![0-9a-f]{2})|%(?:[01]|2[ef]|5c|7f|[89a-f])/i.test(rest))
    return 'a URL whose path escapes no slashes, dots or control characters'
  return /\/\.{1,2}(?:\/|$)/.test(rest) ? 'a URL without "." and ".." in its path' : undefined
}

/** Also brings the host of an ssh URL into lower case, and takes its usual port off, as for https. */
function problemOfParts(url: URL): string | undefined {
  if (url.protocol === 'file:')
    return url.host === '' ? undefined : 'a file URL with an absolute path, such as file:///srv/git/tool.git'
  if (url.password !== '' || (url.protocol !== 'ssh:' && url.username !== ''))
    return 'a URL without a login in it: that belongs to the credentials'
  if (url.username !== '' && !USER.test(url.username)) return 'a URL with a plain user name'
  if (url.protocol === 'ssh:') {
    url.hostname = url.hostname.toLowerCase()
    if (url.port === '22') url.port = ''
  }
  if (!HOST.test(url.hostname) || url.port === '0') return 'a URL with the name of a host'
  return /[^/]/.test(url.pathname) ? undefined : 'a URL with the path of a repository'
}
