import type { Origin } from '../proxy/origin.ts'

/** An origin that is opened when it is asked for the first time. Where that fails, whoever asks next tries again. */
export function createLazyOrigin(
  name: string,
  { speculative }: Pick<Origin, 'speculative'>,
  open: () => Promise<Origin>,
): Origin {
  let opened: Promise<Origin> | undefined

  function origin(): Promise<Origin> {
    opened ??= open().catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }

  return {
    name,
    speculative,
    versions: async (module, options) => (await origin()).versions(module, options),
    resolve: async (module, query, options) => (await origin()).resolve(module, query, options),
    goMod: async (module, version, options) => (await origin()).goMod(module, version, options),
    zip: async (module, version, options) => (await origin()).zip(module, version, options),
    async modulesIn(module, options) {
      return (await (await origin()).modulesIn?.(module, options)) ?? [module]
    },
    async *explain(module, options) {
      yield* (await origin()).explain?.(module, options) ?? []
    },
    close: async () => (await opened)?.close(),
  }
}
