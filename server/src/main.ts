import { openSqliteCatalog } from './catalog/sqlite-catalog.ts'
import type { Config } from './config/config.ts'
import type { Observer } from './observe/observer.ts'
import { openDataFolder } from './store/data-folder.ts'

export interface StartOptions {
  config: Config
  observer: Observer
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  /** The version of modstead. */
  version: string
}

export interface RunningServer {
  /** URLs, or `unix:/path`. */
  addresses: string[]
  /** Stops accepting, lets running requests finish within `shutdownGrace`, then closes everything. */
  stop(): Promise<void>
  /** Reads again what may change while it runs: the files of `tls`. Never rejects. */
  reload(): Promise<void>
}

/** Starts the server. Throws `data_folder`, `listen_failed` and `config_invalid`. */
export async function start({ config, observer, env, version }: StartOptions): Promise<RunningServer> {
  const closing: (() => Promise<void>)[] = []
  /** Last first, and all of them: one that fails must not leave the data folder locked. */
  const closeAll = async (): Promise<void> => {
    const failures: unknown[] = []
    for (const close of closing.toReversed()) await close().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed')
  }
  try {
    const folder = await openDataFolder(config.dataDir, { version })
    closing.push(() => folder.close())
    // The larger part of the program is read while the disk is waited for.
    const loading = import('./rooms.ts')
    const catalog = await openSqliteCatalog(folder.catalog, { observer })
    closing.push(() => catalog.close())
    const { joinRooms } = await loading
    const { addresses, drain, reload } = await joinRooms({
      config,
      observer,
      env,
      version,
      folder,
      catalog,
      closing,
    })
    return {
      addresses,
      reload,
      async stop() {
        await drain()
        await closeAll()
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}
