import { ModsteadError } from '../errors.ts'

/** Records of a list that are shown at a time, and at most. */
const USUAL = 50
const MOST = 200

/** The value of `--limit`: 1 to 200, 50 where it is not given. Throws `config_invalid`. */
export function pageLimit(text: string | undefined): number {
  if (text === undefined) return USUAL
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MOST) return limit
  const found = JSON.stringify(text)
  throw new ModsteadError('config_invalid', `--limit: expected a number from 1 to ${MOST}, found ${found}`)
}
