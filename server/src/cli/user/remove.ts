import { setTimeout } from 'node:timers/promises'
import { LOOKED_AT } from '../../access/passwords/htpasswd-file.ts'
import { withoutUser } from '../../access/passwords/htpasswd-lines.ts'
import { TOKEN_FRESH } from '../../access/tokens/access-tokens.ts'
import { shellWord } from '../../config/signer-key.ts'
import type { Flags } from '../../config/settings.ts'
import { ModsteadError } from '../../errors.ts'
import { recordAct } from '../audit/leave.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { changeFile } from './change-file.ts'
import { findUserFile, subjectOf, type UserFileFlags } from './user-file.ts'
import { closeWaysIn, type WaysIn, waysIn } from './ways-in.ts'

/** At most 1000 sessions come at a time. */
const ROUNDS = 100

export interface UserRemoveFlags extends UserFileFlags {
  revokeTokens?: boolean
}

/**
 * `modstead user remove NAME`: takes away the password, and tells what else still lets the user in; with `--revoke-tokens`
 * ends that too, and when it returns no request gets in with any of it. Throws `not_found` where there is neither, and
 * what `changeFile` and `openCatalogBeside` throw.
 */
export async function removeUser(
  given: string,
  options: UserRemoveFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const user = given.normalize('NFC')
  const place = await findUserFile(options, flags, context)
  const { config, path, scopes } = place
  const outcome = await changeFile(path, { edit: (before) => withoutUser(before, user) })
  const removed = outcome !== 'same'
  if (removed) {
    await recordAct(config, context, { action: 'user.remove', detail: subjectOf(user, place) })
    context.stdout.write(`${user} has no password any more\n`)
  }
  const left = (): WaysIn => waysIn(config.dataDir, user, scopes, Date.now())
  if (options.revokeTokens !== true) {
    if (!removed) throw nobody(user, path)
    const found = left()
    if (!isNone(found))
      context.stdout.write(
        `user:${user} still has ${inWords(found)}; this ends them:\n  ${again(user, options, flags)}\n`,
      )
    return EXIT.ok
  }
  // Until a server has noticed, the password makes new ones.
  if (removed) await setTimeout(LOOKED_AT + 100)
  const ended: WaysIn = { tokens: [], sessions: [] }
  // What was made with one of them before it ended comes in the next round.
  for (let round = 0, found = left(); round < ROUNDS && !isNone(found); round++, found = left()) {
    closeWaysIn(config.dataDir, found, `user ${context.user}`)
    for (const id of found.tokens) await recordAct(config, context, { action: 'token.revoke', detail: id })
    for (const { id } of found.sessions)
      await recordAct(config, context, { action: 'session.end', detail: id })
    ended.tokens.push(...found.tokens)
    ended.sessions.push(...found.sessions)
    // So long a server may still take them for good.
    await setTimeout(2 * TOKEN_FRESH)
  }
  if (!removed && isNone(ended)) throw nobody(user, path)
  context.stdout.write(`ended of user:${user}: ${inWords(ended)}\n`)
  return EXIT.ok
}

function isNone({ tokens, sessions }: WaysIn): boolean {
  return tokens.length + sessions.length === 0
}

function inWords({ tokens, sessions }: WaysIn): string {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`
  return `${count(tokens.length, 'valid access token')} and ${count(sessions.length, 'session')}`
}

/** The command line that ends the rest, for the same configuration. */
function again(user: string, { file, tenant }: UserRemoveFlags, { config, dataDir }: Flags): string {
  const given = { file, tenant, config, 'data-dir': dataDir }
  const more = Object.entries(given).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}`, shellWord(value)],
  )
  return ['modstead user remove', shellWord(user), '--revoke-tokens', ...more].join(' ')
}

function nobody(user: string, path: string): ModsteadError {
  return new ModsteadError('not_found', `there is no user ${JSON.stringify(user)} in ${path}`, {
    next: '"modstead user list" shows who has a password',
  })
}
