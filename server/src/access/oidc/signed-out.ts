import { ModsteadError } from '../../errors.ts'

/** The tokens of this person are good for nothing any more (RFC 6749, section 5.2: `invalid_grant`). */
export class SignedOut extends Error {}

/** Whether the provider could not be asked at all, so that nothing is known of the person that was not known before. */
export function isOutage(error: unknown): boolean {
  return error instanceof ModsteadError && error.code !== 'not_permitted'
}
