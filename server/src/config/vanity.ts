import { checkPattern, compilePatterns } from '@modstead/gomod/pattern'
import type { RouteConfig, VanityRule, VanitySource } from './config.ts'
import { type BuildContext, complain, shown } from './context.ts'
import type { KeyPath } from './problems.ts'
import type { FileVanityRule } from './schema.ts'
import { splitPattern } from './vanity-pattern.ts'

/** The rules of the file, checked. `publicUrl` is where they send `go`. */
export function buildVanity(
  context: BuildContext,
  rules: readonly FileVanityRule[],
  publicUrl: string | undefined,
): VanityRule[] {
  if (rules.length > 0 && publicUrl === undefined)
    context.warn(
      'vanity import paths lead to this server as their Host headers name it: set publicUrl, so that they lead to https',
    )
  return rules.map((rule, index) => buildRule(context, ['vanity', index], rule))
}

/** Warns of rules that no route is for: what says where these modules are is no reason to keep their names. */
export function warnOfVanity(
  context: BuildContext,
  rules: readonly VanityRule[],
  routes: readonly RouteConfig[],
): void {
  for (const [index, { modules }] of rules.entries())
    for (const pattern of modules) {
      // A pattern is a path that it matches itself, but for its classes: so is what covers it.
      const route = routes.find((one) => covers(one.modules, pattern))
      const named = route !== undefined && (route.private || !route.modules.includes('*'))
      if (named || route?.from.every(({ origin }) => origin === 'off')) continue
      context.warn(
        `the route for everything takes the modules of vanity[${index}], ${pattern}, so that its origins and its checksum ` +
          `database hear their names: write { modules: ${JSON.stringify(pattern)}, from: [ORIGIN], private: true } in ` +
          'routes, with the origin that has them (without private if they are public)',
      )
    }
}

function covers(patterns: readonly string[], pattern: string): boolean {
  return patterns.includes(pattern) || compilePatterns(patterns).matches(pattern)
}

function buildRule(context: BuildContext, path: KeyPath, rule: FileVanityRule): VanityRule {
  const { modules, repository, subdirectory = '', source } = rule
  const fewest = checkPatterns(context, [...path, 'modules'], modules)
  const check = (key: KeyPath, text: string, problem: string | undefined): void => {
    const at = [...path, ...key]
    const wrong = problem ?? braceProblem(text, fewest, key[0] === 'source')
    if (wrong !== undefined) complain(context, at, `${wrong}, found ${shown(context, at, text)}`)
  }
  check(['repository'], repository, repositoryProblem(repository))
  if (subdirectory !== '') check(['subdirectory'], subdirectory, folderProblem(subdirectory))
  if (typeof source !== 'string')
    for (const key of SOURCE_KEYS) check(['source', key], source[key], linkProblem(source[key]))
  return { modules, repository, subdirectory, source }
}

const SOURCE_KEYS: readonly (keyof VanitySource)[] = ['home', 'directory', 'file']

/** Names what is wrong with patterns. Gives the least number of wildcards that one of them has. */
function checkPatterns(context: BuildContext, path: KeyPath, patterns: readonly string[]): number {
  let fewest = Infinity
  for (const [index, pattern] of patterns.entries()) {
    const split = splitPattern(pattern)
    const problem = checkPattern(pattern) ?? (split === undefined ? 'it has an escaped slash' : undefined)
    if (split !== undefined) fewest = Math.min(fewest, split.wildcards.length)
    if (problem === undefined) continue
    const at = [...path, index]
    complain(context, at, `the pattern ${shown(context, at, pattern)} is no use: ${problem}`)
  }
  return fewest
}

/** What stands in braces is replaced, so it must be something that every pattern of the rule gives. */
function braceProblem(text: string, wildcards: number, inLink: boolean): string | undefined {
  for (const [brace, name = ''] of text.matchAll(/\{([^{}]*)\}|[{}]/g)) {
    if (inLink && ['/dir', 'dir', 'file', 'line'].includes(name)) continue
    if (name !== 'path' && !/^[1-9]$/.test(name)) return `expected braces only as {path}, {1}, {2} …`
    if (wildcards < (name === 'path' ? 1 : Number(name)))
      return `expected no ${brace}, which stands for wildcards that a pattern of this rule does not have`
  }
  return undefined
}

/** Braces in the host would let whoever names a path choose the host. */
function repositoryProblem(text: string): string | undefined {
  const url = parseTemplate(text)
  if (url === undefined || !['https:', 'http:', 'ssh:', 'git+ssh:'].includes(url.protocol))
    return 'expected a URL of https:, http:, ssh: or git+ssh: with braces in its path only (for git@HOST:PATH write ssh://git@HOST/PATH)'
  if (url.password !== '' || (url.username !== '' && /^https?:$/.test(url.protocol)))
    return 'expected a URL without credentials, for everybody can read it'
  return url.search + url.hash === '' ? undefined : 'expected a URL without "?" and "#"'
}

function linkProblem(text: string): string | undefined {
  const url = parseTemplate(text)
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password === '')
    return undefined
  return 'expected a URL of https: or http: without credentials and with braces behind its host only'
}

/** The URL with names in place of its braces; `undefined` where they stand before its path, or where it has spaces. */
function parseTemplate(text: string): URL | undefined {
  if (/\s/.test(text) || !/^[a-z+]+:\/\/[^/{}]+(?:\/|$)/i.test(text)) return undefined
  return URL.parse(text.replace(/\{[^{}]*\}/g, 'x')) ?? undefined
}

/** The rule of `go` for the fourth field of a go-import tag, and no way out of the repository. */
function folderProblem(text: string): string | undefined {
  if (!/\s/.test(text) && !text.startsWith('-') && text.split('/').every((name) => !/^\.{0,2}$/.test(name)))
    return undefined
  return 'expected a relative path with no empty and no dotted elements, no spaces and no dash in front'
}
