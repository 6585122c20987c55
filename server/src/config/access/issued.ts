import { z } from 'zod'
import { type BuildContext, complain } from '../context.ts'
import { choice, duration, secret } from '../fields.ts'
import type { KeyPath } from '../problems.ts'
import { HIDDEN, resolveSecret } from '../secrets.ts'
import { formatDuration, mapValues } from '../units.ts'
import type { IssuedConfig } from './access-config.ts'

const DAY = 86_400_000

export const issuedSchema = z.strictObject({
  lifetime: duration({ min: 60_000, max: 7 * DAY, wording: ' (1m to 7d)' })
    .prefault('24h')
    .describe('How long an access token holds that was issued after a sign-in.'),
  refresh: duration({ min: 60_000, max: 365 * DAY, wording: ' (1m to 365d)' })
    .prefault('30d')
    .describe('How long a session lasts that is not used: each refresh begins this time anew.'),
  rotate: duration({ min: 3_600_000, max: 365 * DAY, wording: ' (1h to 365d)' })
    .prefault('30d')
    .describe('After which time a new key signs. The old one holds until its last token has ended.'),
  outage: duration({ min: 0, max: 30 * DAY, wording: ' (30d at most)' })
    .prefault('24h')
    .describe('How long sessions go on while the provider that they were signed in at cannot be asked.'),
  algorithm: choice(['HS256', 'HS384', 'HS512']).prefault('HS512').describe('What tokens are signed with.'),
  keys: z
    .array(secret('a secret of 32 bytes or more'))
    .min(1)
    .optional()
    .describe(
      'Secrets to sign with, the newest first: as many bytes as the hash has, 64 for HS512. Default: modstead makes keys, and keeps them in its catalog.',
    ),
})

/** `issued`, with its secrets read. */
export async function buildIssued(
  context: BuildContext,
  at: KeyPath,
  file: z.output<typeof issuedSchema>,
): Promise<IssuedConfig> {
  const { keys: given, ...rest } = file
  if (given === undefined) return rest
  const needed = Number(file.algorithm.slice(2)) / 8
  const keys: string[] = []
  for (const [index, value] of given.entries()) {
    const path = [...at, 'keys', index]
    const key = await resolveSecret(context, path, value)
    const length = Buffer.byteLength(key)
    if (length < needed)
      complain(context, path, `expected ${needed} bytes or more for ${file.algorithm}, found ${length}`)
    if (keys.includes(key)) complain(context, path, 'is that of another entry, too')
    keys.push(key)
  }
  return { ...rest, keys }
}

/** `issued` as a file would say it. */
export function describeIssued({ algorithm, keys, ...times }: IssuedConfig): Record<string, unknown> {
  return {
    ...mapValues(times, formatDuration),
    algorithm,
    ...(keys !== undefined && { keys: keys.map(() => HIDDEN) }),
  }
}
