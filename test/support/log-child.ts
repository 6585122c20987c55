/**
 * Run by `log-crash.test.ts`: adds random batches to a log, and tells what was acknowledged once it was. It opens the
 * log anew where that failed and asks again for what was not added, as clients do.
 */
import { writeSync } from 'node:fs'
import { ModsteadError } from '../../server/src/errors.ts'
import { entryOf, type LogKeys, openOwnLog, type OwnLog } from './own-log.ts'

export interface ChildOrders {
  folder: string
  keys: LogKeys
  /** Part of all names. */
  round: number
  /** What the sizes of batches follow from. */
  seed: number
  /** Batches to add; then it closes the log. */
  batches: number
}

/** What the child says, one a line. */
export type ChildSays =
  | { said: 'head'; note: string }
  | { said: 'entry'; name: string; id: number; note: string }
  | { said: 'failed'; doing: 'open' | 'append' | 'close'; code: string; message: string }
  | { said: 'end' }

const OPENINGS = 5
const LARGEST = 300

await run(JSON.parse(process.argv[2]!) as ChildOrders)

async function run({ folder, keys, round, seed, batches }: ChildOrders): Promise<void> {
  const open = await persistently(folder, keys)
  if (open === undefined) return
  const random = generator(seed)
  tell({ said: 'head', note: base64(open.log.head().note) })
  open.log.onHead(({ note }) => tell({ said: 'head', note: base64(note) }))
  let count = 0
  let left: string[] = []
  for (let batch = 0; batch < batches; batch++) {
    // Many are small; some are larger than one batch of the log may be.
    const size = Math.ceil(LARGEST ** random())
    const fresh = Array.from({ length: size }, () => `r${round}-${count++}`)
    const again = count > size ? [`r${round}-${Math.floor(random() * (count - size))}`] : []
    const wanted = [...new Set([...left, ...fresh, ...again])]
    left = []
    await Promise.all(
      wanted.map(async (name) => {
        try {
          const id = await open.log.append(entryOf(name))
          tell({ said: 'entry', name, id, note: base64(open.log.head().note) })
        } catch (error) {
          fail('append', error)
          left.push(name)
        }
      }),
    )
  }
  await open.close().catch((error: unknown) => fail('close', error))
  tell({ said: 'end' })
}

async function persistently(folder: string, keys: LogKeys): Promise<OwnLog | undefined> {
  for (let tries = 0; tries < OPENINGS; tries++) {
    try {
      return await openOwnLog(folder, keys)
    } catch (error) {
      fail('open', error)
    }
  }
  return undefined
}

function fail(doing: 'open' | 'append' | 'close', error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  tell({ said: 'failed', doing, code: error instanceof ModsteadError ? error.code : 'unknown', message })
}

/** At once, and into a file: what was said before a kill was said. */
function tell(line: ChildSays): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Numbers from 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = (seed + 1) * 2_654_435_761
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}
