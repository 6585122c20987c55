import type { CommandContext } from '../context.ts'

/** How often the line is written anew. Milliseconds. */
const EVERY = 200

export interface Progress {
  /** `done` of `all`; where `all` is not known, `done` alone. */
  at(done: number, all?: number): void
  /** Takes the line away again. */
  end(): void
}

/** One line on a terminal that says how far a command is; nothing elsewhere. */
export function createProgress({ stderr }: Pick<CommandContext, 'stderr'>, doing: string): Progress {
  let last = 0
  let shown = false
  return {
    at(done, all) {
      if (stderr.isTTY !== true || Date.now() - last < EVERY) return
      last = Date.now()
      shown = true
      stderr.write(
        `\r${doing}: ${done.toLocaleString('en')}${all === undefined ? '' : ` of ${all.toLocaleString('en')}`} records`,
      )
    },
    end() {
      if (shown) stderr.write('\r\x1b[K')
    },
  }
}
