import { stat } from 'node:fs/promises'
import { readHtpasswd, userNameProblem, withPassword } from '../../access/passwords/htpasswd-lines.ts'
import { hashPassword, passwordProblem, passwordWeakness } from '../../access/passwords/new-password.ts'
import type { Flags } from '../../config/settings.ts'
import { absentAs } from '../../disk-errors.ts'
import { ModsteadError } from '../../errors.ts'
import { recordAct } from '../audit/leave.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { changeFile } from './change-file.ts'
import { readPassword } from './read-password.ts'
import { findUserFile, subjectOf, type UserFileFlags } from './user-file.ts'

export interface UserSetFlags extends UserFileFlags {
  passwordFile?: string
  /** A password that is easily guessed is taken, too. */
  weak?: boolean
}

/**
 * `modstead user set NAME`: the password of a user, as argon2id in the htpasswd file. Throws `config_invalid` for names
 * and passwords that cannot be, and what `changeFile` throws.
 */
export async function setUser(
  given: string,
  options: UserSetFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const user = given.normalize('NFC')
  const unfit = userNameProblem(user)
  if (unfit !== undefined) throw wrong(`the name ${unfit}`, 'take another name')
  const place = await findUserFile(options, flags, context)
  const { config, path, scopes } = place
  const password = await readPassword(user, options.passwordFile, context)
  const problem = passwordProblem(password)
  if (problem !== undefined) throw wrong(`the password ${problem}`, 'take another one')
  const weakness = options.weak === true ? undefined : passwordWeakness(user, password)
  if (weakness !== undefined)
    throw wrong(`the password ${weakness}`, 'take a longer one, or give --weak if it must be this one')

  const hash = await hashPassword(password)
  let known = false
  const made = await changeFile(path, {
    edit(before) {
      known = readHtpasswd(before.toString()).some((line) => 'user' in line && line.user === user)
      return withPassword(before, user, hash)
    },
    ...(process.getuid?.() === 0 && { owner: await stat(config.dataDir).catch(absentAs(undefined)) }),
  })
  await recordAct(config, context, { action: 'user.set', detail: subjectOf(user, place) })
  const soon = scopes.length > 0 ? ': a running server knows within a second' : ''
  context.stdout.write(`${user} ${known ? 'has a new password' : 'is a user with a password'}${soon}\n`)
  if (made === 'made') context.stderr.write(`${path} was made, for its owner only\n`)
  if (scopes.length === 0)
    context.stderr.write(`no server takes it before its configuration has "htpasswd: ${path}" in access\n`)
  if (/\s/.test(password))
    context.stderr.write('it has spaces: in ~/.netrc, which go reads, no password can have them\n')
  return EXIT.ok
}

function wrong(message: string, next: string): ModsteadError {
  return new ModsteadError('config_invalid', `${message}: nothing was changed`, { next })
}
