import { checkPattern } from '@modstead/gomod/pattern'
import type { TokenRecord } from '../access/tokens/access-tokens.ts'
import { issueToken, parseOwner, TOKEN_LIFETIME } from '../access/tokens/issue-token.ts'
import { openCatalogBeside } from '../catalog/catalog-beside.ts'
import type { AccessConfig } from '../config/access/access-config.ts'
import { type Permission, PERMISSIONS } from '../config/permissions.ts'
import type { Flags } from '../config/settings.ts'
import { parseDuration } from '../config/units.ts'
import { ModsteadError } from '../errors.ts'
import { remarkProblem } from '../proxy/remark.ts'
import { catalogIn } from '../store/data-folder.ts'
import { recordAct } from './audit/leave.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'
import { tenantIn } from './tenant-flag.ts'

export interface TokenCreateFlags {
  for: string
  note?: string
  can?: string
  modules?: string
  expires?: string
  tenant?: string
  json?: boolean
}

/**
 * `modstead token create`: makes a token and prints it on stdout alone, so that a script can take it; what it is goes to
 * stderr. Throws `config_invalid` for bad flags, and what `openCatalogBeside` throws.
 */
export async function createToken(
  given: TokenCreateFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const owner = parseOwner(given.for)
  if (owner === undefined)
    throw wrong('for', `expected user:NAME or service:NAME, found ${JSON.stringify(given.for)}`)
  const note = (given.note ?? '').trim()
  const problem = note === '' ? undefined : remarkProblem(note)
  if (problem !== undefined) throw wrong('note', `the note ${problem}`)
  const permissions = given.can === undefined ? undefined : permissionsIn(given.can)
  const modules = given.modules === undefined ? undefined : patternsIn(given.modules)
  const created = Date.now()
  const expires =
    given.expires === undefined ? created + TOKEN_LIFETIME.usual : expiryOf(given.expires, created)
  const { config, sources } = await readConfig(context, flags)
  const tenant = given.tenant === undefined ? undefined : tenantIn(config, given.tenant)
  const { token, record } = issueToken(
    {
      owner,
      note,
      ...(tenant && { tenant: tenant.name }),
      ...(permissions && { permissions }),
      ...(modules && { modules }),
      ...(expires !== undefined && { expires }),
    },
    created,
  )
  const { id } = record
  openCatalogBeside(catalogIn(config.dataDir)).addToken(record)
  const narrowed = [permissions?.join(','), modules?.join(',')].filter((part) => part !== undefined)
  await recordAct(config, context, {
    action: 'token.create',
    detail: [id, `for ${given.for}`, ...narrowed].join(' '),
    ...(tenant && { tenant: tenant.name }),
  })
  const ends = expires === undefined ? null : new Date(expires).toISOString()
  if (given.json === true) {
    const shown = {
      id,
      token,
      owner: `${owner.kind}:${owner.name}`,
      tenant: tenant?.name ?? null,
      note,
      permissions,
      modules,
      expires: ends,
    }
    context.stdout.write(`${JSON.stringify(shown, null, 2)}\n`)
    return EXIT.ok
  }
  context.stdout.write(`${token}\n`)
  context.stderr.write(
    `${id} for ${given.for}, ${ends === null ? 'without an end' : `until ${ends}`}: it is shown this once\n`,
  )
  const { access } = tenant?.site ?? config
  const at = tenant === undefined ? '' : `tenants.${tenant.name}.`
  if (access === undefined) {
    const read = sources.length === 0 ? 'no configuration was read here: ' : ''
    context.stderr.write(
      `${read}no server takes it before its configuration has "${at}access": docs/access.md\n`,
    )
  } else if (!isGranted(owner, access))
    context.stderr.write(
      `no binding of ${at}access names ${given.for} or a group of it: is it written right?\n`,
    )
  return EXIT.ok
}

/** Whether somebody's rights come from anywhere: a binding that names it or its groups, or a directory that may have some. */
function isGranted(
  { kind, name }: TokenRecord['owner'],
  { bindings, admins, groups, ldap, gitHosts }: AccessConfig,
): boolean {
  if (gitHosts.length > 0 || (kind === 'user' && ldap !== undefined)) return true
  const own = kind === 'user' ? (groups.get(name) ?? []) : []
  return [...admins, ...bindings.flatMap(({ to }) => to)].some(
    (subject) =>
      subject.kind === 'everybody' ||
      (subject.kind === 'group'
        ? own.includes(subject.name)
        : subject.kind === kind && subject.name === name),
  )
}

function permissionsIn(text: string): Permission[] {
  return text.split(',').map((word) => {
    const found = PERMISSIONS.find((permission) => permission === word.trim())
    if (found !== undefined) return found
    throw wrong('can', `expected some of ${PERMISSIONS.join(', ')}, found ${JSON.stringify(word)}`)
  })
}

function patternsIn(text: string): string[] {
  return text.split(',').map((part) => {
    const pattern = part.trim()
    const problem = checkPattern(pattern)
    if (problem === undefined) return pattern
    throw wrong('modules', `the pattern ${JSON.stringify(pattern)} cannot be used: ${problem}`)
  })
}

function expiryOf(text: string, now: number): number | undefined {
  if (text === 'never') return undefined
  // Days are what most people mean, and seconds what a bare number is elsewhere.
  if (/^[\d.]+$/.test(text))
    throw wrong('expires', `expected a unit, as in ${text}d or ${text}m, or "never", found ${text}`)
  const time = parseDuration(text)
  if (time !== undefined && time >= 1000 && time <= TOKEN_LIFETIME.longest) return now + time
  throw wrong('expires', `expected a duration from 1s to 3650d, or "never", found ${JSON.stringify(text)}`)
}

function wrong(flag: string, problem: string): ModsteadError {
  return new ModsteadError('config_invalid', `--${flag}: ${problem}`, {
    next: 'see modstead token create --help',
  })
}
