/** For tests: a file system that is the real one, but for one operation that fails when told to. */
import { type FileSystem, localFileSystem, type OpenFile } from './file-system.ts'

/** Operations on paths, and on open files. `sync` is that of folders, `datasync` that of files. */
export type Operation = keyof FileSystem | 'read' | 'write' | 'writev' | 'sync' | 'datasync'

export interface FailingDisk {
  files: FileSystem
  /** From now on `operation` fails with this system error, until `heal`. */
  fail(operation: Operation, code: string): void
  heal(): void
  /** Every operation in the order in which it was asked for. */
  log: Operation[]
}

export function createFailingDisk(): FailingDisk {
  let failing: { operation: Operation; code: string } | undefined
  const log: Operation[] = []
  const before = (operation: Operation): void => {
    log.push(operation)
    if (failing?.operation !== operation) return
    const { code } = failing
    throw Object.assign(new Error(`${code}: injected, ${operation} '/secret/path'`), {
      code,
      syscall: operation,
    })
  }
  const watch = <T extends object>(target: T, operations: readonly Operation[]): T =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]): Promise<unknown> => {
          const operation = operations.find((candidate) => candidate === name)
          if (operation !== undefined) before(operation)
          const result: unknown = await Reflect.apply(value, target, args)
          return operation === 'open' ? watch(result as OpenFile, ON_FILES) : result
        }
      },
    })
  return {
    log,
    files: watch({ ...localFileSystem }, ON_PATHS),
    fail(operation, code) {
      failing = { operation, code }
    },
    heal() {
      failing = undefined
    },
  }
}

const ON_PATHS = ['link', 'mkdir', 'open', 'readdir', 'readFile', 'rename', 'stat', 'unlink'] as const
const ON_FILES = ['read', 'write', 'writev', 'sync', 'datasync'] as const
