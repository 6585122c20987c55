/**
 * What a witness remembers of the logs it watches: of each the size and root of the head it cosigned last. As a text,
 * a line for each log after one that says what the file is, and a last one that says that it is whole:
 *
 *     modstead witness 1
 *     sum.corp.example 20852163 PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
 *     end
 */
import { GomodError } from '@modstead/gomod/error'
import { formatHash, parseHash } from '@modstead/gomod/tlog/hash'
import { parseTreeSize } from '@modstead/gomod/tlog/index'
import type { Tree } from '@modstead/gomod/tlog/tree'
import { ModsteadError } from '../errors.ts'

/** By the origin of each log. */
export type WitnessedHeads = ReadonlyMap<string, Tree>

/** Where it is kept. Failures of the medium are `store_unavailable`. */
export interface WitnessMemory {
  /** What is kept there, for messages. */
  readonly where: string
  /** `undefined` where nothing was ever kept. Throws `log_refused` where it is damaged. */
  read(): Promise<WitnessedHeads | undefined>
  /** In place of what was there. It lasts once this settles. */
  write(heads: WitnessedHeads): Promise<void>
}

const FIRST_LINE = 'modstead witness 1'
const LAST_LINE = 'end'

/** Origins are names of keys, in which there is no space. */
export function formatWitnessedHeads(heads: WitnessedHeads): string {
  const lines = [...heads].map(([origin, { size, hash }]) => `${origin} ${size} ${formatHash(hash)}`)
  return [FIRST_LINE, ...lines, LAST_LINE, ''].join('\n')
}

/** Throws `log_refused` for anything that `formatWitnessedHeads` does not write. `where` is named in the message. */
export function parseWitnessedHeads(text: string, where: string): Map<string, Tree> {
  const lines = text.split('\n')
  const heads = new Map<string, Tree>()
  if (lines.length < 3 || lines[0] !== FIRST_LINE || lines.at(-1) !== '' || lines.at(-2) !== LAST_LINE)
    throw damaged(where, 'it does not begin and end as this program writes it')
  for (const [index, line] of lines.slice(1, -2).entries()) {
    const [origin = '', sizeText = '', root = '', ...rest] = line.split(' ')
    const size = parseTreeSize(sizeText)
    const hash = hashOf(root)
    if (origin === '' || size === undefined || hash === undefined || rest.length > 0 || heads.has(origin))
      throw damaged(where, `its line ${index + 2} is not a log, a size and a hash`)
    heads.set(origin, { size, hash })
  }
  return heads
}

function hashOf(text: string): Uint8Array | undefined {
  try {
    return parseHash(text)
  } catch (error) {
    if (error instanceof GomodError) return undefined
    throw error
  }
}

function damaged(where: string, why: string): ModsteadError {
  return new ModsteadError(
    'log_refused',
    `what this witness has cosigned is not known: ${where} is damaged (${why})`,
    {
      next: 'put the last whole state back only if nothing was cosigned since; else begin a witness with a new key and state',
    },
  )
}
