import type { ModulePath } from '@modstead/gomod/path'
import { ModsteadError } from '../../errors.ts'
import type { Origin } from '../../proxy/origin.ts'
import { type ClientModule, makeClientModule } from './client-module.ts'
import { readSources } from './sources.ts'

/**
 * The origin of the laptop helper: this server itself. Sources are read and zips made when somebody asks, once for each
 * path. Everything that is not one of `paths`, and every other version, is absent: what was served before and is stored
 * still is.
 */
export function createClientOrigin(paths: readonly ModulePath[], release: string): Origin {
  const made = new Map<string, Promise<ClientModule>>()

  async function find(module: ModulePath): Promise<ClientModule> {
    if (!paths.includes(module)) throw absent(module)
    let making = made.get(module)
    if (making === undefined) {
      making = readSources().then((sources) => makeClientModule(module, release, sources))
      made.set(module, making)
      making.catch(() => made.delete(module))
    }
    try {
      return await making
    } catch (cause) {
      throw new ModsteadError('upstream_failed', 'the laptop helper cannot be made', {
        cause,
        next: 'who runs this server should install modstead again: its folder client is missing or was changed',
      })
    }
  }

  async function exact(module: ModulePath, version: string): Promise<ClientModule> {
    const found = await find(module)
    if (version !== found.version) throw absent(`${module}@${version}`)
    return found
  }

  return {
    name: 'modstead itself',
    speculative: true,
    async versions(module) {
      await find(module)
      return { versions: [] }
    },
    async resolve(module, query) {
      const { version, info } = query === 'latest' ? await find(module) : await exact(module, query)
      return { bytes: info, version }
    },
    async goMod(module, version) {
      const { goMod } = await exact(module, version)
      return { bytes: goMod }
    },
    async zip(module, version) {
      const { zip } = await exact(module, version)
      return { size: zip.length, chunks: once(zip) }
    },
    async close() {},
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes
}

function absent(what: string): ModsteadError {
  return new ModsteadError('not_found', `${what} is not the laptop helper that this server has`, {
    next: 'ask for @latest',
  })
}
