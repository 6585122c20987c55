import { checkPattern } from '@modstead/gomod/pattern'
import { z } from 'zod'
import { type BuildContext, complain, pemFile, shown } from '../context.ts'
import { choice, count, duration, path, secret, text, texts } from '../fields.ts'
import type { KeyPath } from '../problems.ts'
import { HIDDEN, resolveSecret } from '../secrets.ts'
import { formatDuration } from '../units.ts'
import type { GitHost } from './access-config.ts'

const ACCOUNT = /^[A-Za-z0-9_][\w.-]*$/

const account = z.strictObject({
  claim: text('the name of a claim')
    .optional()
    .describe(
      'The claim of a sign-in that names the account there: one that people cannot change themselves. Default: the name of the user.',
    ),
  map: z
    .record(z.string(), text('the name of an account'))
    .optional()
    .describe('Accounts of some, which go before: `user:NAME`, `service:NAME` or `workload:NAME`.'),
})

export const gitHostSchema = z.strictObject({
  type: choice(['gitlab', 'github', 'gitea']).describe('What it is: `gitea` is Forgejo, too.'),
  url: text('a URL such as https://gitlab.corp.example')
    .optional()
    .describe(
      'Where it is asked: its address, of GitHub that of its API. Default for github: `https://api.github.com`.',
    ),
  token: secret('a token that may read members and repositories').describe(
    'Who asks: on GitLab and Gitea an administrator’s token that may read, on GitHub one that may see collaborators.',
  ),
  ca: path('a PEM file')
    .optional()
    .describe('An authority that signed its certificate, besides those of the system.'),
  modules: texts('a module pattern such as gitlab.corp.example').describe(
    'Private modules whose repositories are there, as patterns of GOPRIVATE.',
  ),
  repositories: z
    .record(z.string(), text('the path of a repository such as go/{path}'))
    .optional()
    .describe(
      'Paths of repositories there by patterns of module paths, as in `repositories` of an origin. Default: what a module path has after its host.',
    ),
  depth: count({ min: 1, max: 20 })
    .optional()
    .describe(
      'How many elements the path of a repository has. Default: 2; for gitlab any number, which is found by asking.',
    ),
  account: account.prefault({}).describe('Which account there somebody has here.'),
  bindings: choice(['also', 'needed'])
    .prefault('also')
    .describe('Whether bindings let read `also`, without the host, or are `needed` besides it.'),
  remember: duration({ min: 1_000, max: 3_600_000, wording: ' (1s to 1h)' })
    .prefault('5m')
    .describe('For how long a yes counts; a no counts for a minute at most.'),
  whenDown: choice(['refuse', 'lastKnown'])
    .prefault('refuse')
    .describe('When it cannot be asked: `refuse`, or go by what it said last, a day ago at most.'),
})

type FileHost = z.output<typeof gitHostSchema>

/** The entries of `gitHosts`, with their secrets read. */
export async function buildGitHosts(
  context: BuildContext,
  at: KeyPath,
  hosts: Readonly<Record<string, FileHost>>,
): Promise<GitHost[]> {
  const built: GitHost[] = []
  for (const [name, file] of Object.entries(hosts)) {
    const place = (...keys: (string | number)[]): KeyPath => [...at, name, ...keys]
    const { type, modules, account, bindings, remember, whenDown, depth } = file
    const url = file.url ?? (type === 'github' ? 'https://api.github.com' : undefined)
    if (url === undefined) complain(context, place(), `expected url: where ${type} is asked`)
    else if (!isFit(url))
      complain(
        context,
        place('url'),
        'expected an https URL without "?" or "#", or http on a loopback address',
      )
    for (const [index, pattern] of modules.entries()) {
      const problem = checkPattern(pattern)
      if (problem !== undefined)
        complain(
          context,
          place('modules', index),
          `the pattern ${shown(context, place('modules', index), pattern)} cannot be used: ${problem}`,
        )
    }
    const map = Object.entries(account.map ?? {})
    for (const [subject, other] of map)
      if (!/^(user|service|workload):\S+$/.test(subject) || !ACCOUNT.test(other))
        complain(
          context,
          place('account', 'map', subject),
          'expected an account for "user:NAME", "service:NAME" or "workload:NAME"',
        )
    const repositories = Object.entries(file.repositories ?? {})
    for (const [pattern, template] of repositories)
      if (
        checkPattern(pattern) !== undefined ||
        !/^[\w.{}/-]+$/.test(template) ||
        /\.\.|^\/|\/$|\/\//.test(template)
      )
        complain(
          context,
          place('repositories', pattern),
          'expected a pattern and the path of a repository such as go/{path}',
        )
    built.push({
      name,
      type,
      url: (url ?? '').replace(/\/+$/, ''),
      token: await resolveSecret(context, place('token'), file.token),
      ...(file.ca !== undefined && { ca: await pemFile(context, place('ca'), file.ca) }),
      modules,
      repositories: repositories.map(([pattern, path]) => ({ pattern, path })),
      ...(depth !== undefined ? { depth } : type !== 'gitlab' && { depth: 2 }),
      account: { ...(account.claim !== undefined && { claim: account.claim }), map: new Map(map) },
      bindings,
      remember,
      whenDown,
    })
  }
  return built
}

function isFit(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username + url.password + url.search + url.hash !== '') return false
  return (
    url.protocol === 'https:' ||
    (url.protocol === 'http:' && /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(url.hostname))
  )
}

/** An entry of `gitHosts` as a file would say it. */
export function describeGitHost({
  name,
  account,
  repositories,
  ...host
}: GitHost): [string, Record<string, unknown>] {
  const { claim, map } = account
  return [
    name,
    {
      ...host,
      token: HIDDEN,
      modules: [...host.modules],
      ...(repositories.length > 0 && {
        repositories: Object.fromEntries(repositories.map(({ pattern, path }) => [pattern, path])),
      }),
      account: {
        ...(claim !== undefined && { claim }),
        ...(map.size > 0 && { map: Object.fromEntries(map) }),
      },
      remember: formatDuration(host.remember),
    },
  ]
}
