/**
 * Ids of incidents, acts and promotions: `inc-7k3m-02pq`, `act-7k3m-02pr`. Eight characters of Crockford's base 32, which has no
 * letters that look or sound alike; they sort in the order of time. Thirty bits are seconds since the start of 2025, ten
 * bits count within one.
 */
export const MAX_INCIDENT_ID = 'inc-~'
export const MAX_ACT_ID = 'act-~'
export const MAX_PROMOTION_ID = 'pro-~'

const EPOCH = Date.UTC(2025, 0) / 1000
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const PATTERN = /^(?:inc|act|pro)-([0-9a-hjkmnp-tv-z]{4})-([0-9a-hjkmnp-tv-z]{4})$/

/** An id for an incident at `now` (milliseconds since the epoch) that sorts after `last`, the id given before. */
export function nextIncidentId(now: number, last: string | undefined): string {
  return `inc-${nextNumber(now, last)}`
}

/** The same for an act. */
export function nextActId(now: number, last: string | undefined): string {
  return `act-${nextNumber(now, last)}`
}

/** The same for a promotion. */
export function nextPromotionId(now: number, last: string | undefined): string {
  return `pro-${nextNumber(now, last)}`
}

function nextNumber(now: number, last: string | undefined): string {
  const byTime = Math.max(0, Math.floor(now / 1000) - EPOCH) * 1024
  const number = Math.max(byTime, last === undefined ? 0 : decode(last) + 1)
  let digits = ''
  for (let rest = number; digits.length < 8; rest = Math.floor(rest / 32))
    digits = ALPHABET[rest % 32]! + digits
  return `${digits.slice(0, 4)}-${digits.slice(4)}`
}

function decode(id: string): number {
  const [, high, low] = PATTERN.exec(id) ?? []
  if (high === undefined || low === undefined)
    throw new TypeError(`"${id}" is not the id of an incident, an act or a promotion`)
  let number = 0
  for (const digit of high + low) number = number * 32 + ALPHABET.indexOf(digit)
  return number
}
