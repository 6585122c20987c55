/** The client's outside in memory: for tests, and for tools that live no longer than their questions. */
import type { SumdbOps } from './ops.ts'

export interface MemoryOps extends SumdbOps {
  /** What is kept, by path. */
  readonly cache: Map<string, Uint8Array>
  /** The kept head. */
  head: Uint8Array | undefined
  /** Paths that were asked of the database, in order. */
  readonly requests: string[]
  /** Explanations of contradictions. */
  readonly alarms: string[]
}

export function createMemoryOps(readRemote: SumdbOps['readRemote']): MemoryOps {
  const ops: MemoryOps = {
    cache: new Map(),
    head: undefined,
    requests: [],
    alarms: [],
    readRemote(path, signal) {
      ops.requests.push(path)
      return readRemote(path, signal)
    },
    readHead: async () => ops.head,
    async writeHead(old, next) {
      const same =
        old === undefined || ops.head === undefined ? old === ops.head : Buffer.compare(old, ops.head) === 0
      if (same) ops.head = next
      return same ? 'ok' : 'conflict'
    },
    readCache: async (path) => ops.cache.get(path),
    async writeCache(path, bytes) {
      ops.cache.set(path, bytes)
    },
    onSecurityError: (message) => void ops.alarms.push(message),
  }
  return ops
}
