import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'

/** Counts what is asked of one origin and what comes back. */
export interface Meter {
  /** `work`, counted by how it ends: `ok`, `unchanged`, or the code of its error. */
  asked<T>(kind: string, work: Promise<T>): Promise<T>
  received(priority: 'client' | 'background', bytes: number): void
  /** `chunks`, their bytes counted as they pass, and their failure where they fail. */
  counted(priority: 'client' | 'background', chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer>
}

/** `name` is that of the origin. */
export function createMeter(observer: Observer, name: string): Meter {
  const requests = observer.counter(
    'modstead_origin_requests_total',
    'Questions put to origins, by how they ended.',
    ['origin', 'kind', 'result'],
  )
  const bytes = observer.counter(
    'modstead_origin_received_bytes_total',
    'Bytes of files received from origins.',
    ['origin', 'priority'],
  )
  return {
    async asked(kind, work) {
      try {
        const result = await work
        requests.add(1, name, kind, result === 'unchanged' ? 'unchanged' : 'ok')
        return result
      } catch (error) {
        requests.add(1, name, kind, resultOf(error))
        throw error
      }
    },
    received: (priority, amount) => bytes.add(amount, name, priority),
    async *counted(priority, chunks) {
      let amount = 0
      try {
        for await (const chunk of chunks) {
          amount += chunk.length
          yield chunk
        }
      } catch (error) {
        requests.add(1, name, 'zip body', resultOf(error))
        throw error
      } finally {
        bytes.add(amount, name, priority)
      }
    },
  }
}

function resultOf(error: unknown): string {
  return error instanceof ModsteadError ? error.code : 'internal'
}
