import { readFile } from 'node:fs/promises'
import { type HtpasswdLine, readHtpasswd } from '../../access/passwords/htpasswd-lines.ts'
import { describeFileError } from '../../config/file-errors.ts'
import type { Flags } from '../../config/settings.ts'
import { ModsteadError } from '../../errors.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { findUserFile, type UserFileFlags } from './user-file.ts'

interface UserJson {
  name: string
  /** `argon2id (m=19456, t=2, p=1)` */
  hash: string
  groups: readonly string[]
  /** Of the file, from one. */
  line: number
}

interface UnusedJson {
  line: number
  problem: string
}

/**
 * `modstead user list`: who has a password, with the groups of the configuration, and which lines nobody gets in by. No
 * hash is shown. Throws `config_invalid` where the file cannot be read.
 */
export async function listUsers(
  given: UserFileFlags & { json?: boolean },
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const { path, groups } = await findUserFile(given, flags, context)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ModsteadError('config_invalid', describeFileError(path, cause), {
      next: '"modstead user set NAME" makes it, with its first user',
      cause,
    })
  })
  const lines = readHtpasswd(text)
  const users = usersIn(lines, groups)
  const unused = unusedIn(lines)
  context.stdout.write(
    given.json === true
      ? `${JSON.stringify({ file: path, users, unused }, null, 2)}\n`
      : asText(users, unused),
  )
  return EXIT.ok
}

function usersIn(lines: readonly HtpasswdLine[], groups: ReadonlyMap<string, readonly string[]>): UserJson[] {
  const users = new Map<string, UserJson>()
  for (const entry of lines) {
    if ('problem' in entry) continue
    const { user, hash, line } = entry
    users.set(user, { name: user, hash: hash.form, groups: groups.get(user) ?? [], line })
  }
  return [...users.values()]
}

function unusedIn(lines: readonly HtpasswdLine[]): UnusedJson[] {
  const last = new Map(lines.flatMap((entry) => ('user' in entry ? [[entry.user, entry.line]] : [])))
  return lines.flatMap((entry) => {
    const { line } = entry
    if ('problem' in entry) return [{ line, problem: entry.problem }]
    const counts = last.get(entry.user)
    return counts === line
      ? []
      : [{ line, problem: `is of ${clean(entry.user)}, of whom line ${counts} counts` }]
  })
}

function asText(users: readonly UserJson[], unused: readonly UnusedJson[]): string {
  const lines = users.map(({ name, hash, groups }) =>
    [`${clean(name)}  ${hash}`, ...(groups.length > 0 ? [`groups ${groups.join(', ')}`] : [])].join('; '),
  )
  if (lines.length === 0) lines.push('nobody has a password')
  lines.push(...unused.map(({ line, problem }) => `line ${line} ${problem}: it is not used`))
  return `${lines.join('\n')}\n`
}

/** A file may hold anything; a terminal gets one line of it. */
function clean(text: string): string {
  return text.replace(/\p{Cc}/gu, '?')
}
