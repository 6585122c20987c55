import type { BuildContext } from '../context.ts'
import { formatKeyPath, type KeyPath } from '../problems.ts'

/** The same context for what stands below `at`: paths that are said within it begin there. */
export function within(context: BuildContext, at: KeyPath): BuildContext {
  const { problems } = context
  const whole = (path: KeyPath): KeyPath => [...at, ...path]
  return {
    ...context,
    problems: {
      get count() {
        return problems.count
      },
      add: (place, path, message) => problems.add(place, whole(path), message),
      throwIfAny: () => problems.throwIfAny(),
    },
    warn: (message) => context.warn(`${formatKeyPath(at)}: ${message}`),
    placeOfValue: (path) => context.placeOfValue(whole(path)),
    placeOfKey: (path) => context.placeOfKey(whole(path)),
    hidden: (path) => context.hidden(whole(path)),
    folderOf: (path) => context.folderOf(whole(path)),
  }
}
