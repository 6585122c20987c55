/** Fields that several endpoints share. A message goes on after the name of the field: "limit is not …". */
import { z } from 'zod'

/** The most rows of one page, and how many are given where nobody asks for another number. */
const MOST = 200
const USUAL = 50
const PROBLEM = `is not a number from 1 to ${MOST}`

/** Rows of a page at most: 1 to 200, 50 where it is absent. */
export const limit = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, PROBLEM)
  .transform(Number)
  .pipe(z.number().max(MOST, PROBLEM))
  .prefault(String(USUAL))
  .meta({ description: `Rows of a page: 1 to ${MOST}. Default: ${USUAL}.` })

/** `true` or `false`. */
export const flag = z
  .enum(['true', 'false'], 'is neither true nor false')
  .transform((text) => text === 'true')

/** RFC 3339 in UTC, with milliseconds. */
export const time = z.iso.datetime().meta({ description: 'RFC 3339, in UTC.' })

/** The cursor of a page: the id of its last row. */
export function before(what: string) {
  return z
    .string()
    .optional()
    .meta({ description: `The \`nextBefore\` of the page before: ${what} older than that.` })
}

export const nextBefore = z
  .string()
  .optional()
  .meta({ description: 'Where there are older ones: what `before` has to be for the next page.' })
