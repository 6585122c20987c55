/** A data folder with a checksum log in it, and the command line on it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from '../../observe/test-support.ts'
import { createStoredLog, LOG_KEY, type StoredLog } from '../../sumdb/log/stored-log.fixture.ts'
import { type Given, type Ran, runHere } from '../run.fixture.ts'

export interface DataFolderWithLog {
  /** The data folder. */
  data: string
  log: StoredLog
  /** Runs `modstead sumdb ARGS` with the configuration of that folder. */
  run(args: readonly string[], given?: Partial<Given>): Promise<Ran>
}

/** `size` is the number of records; the mark lies beside the log. */
export async function createDataFolderWithLog(
  t: TestContext,
  { size, more = '' }: { size: number; more?: string },
): Promise<DataFolderWithLog> {
  const home = await temporaryFolder(t)
  const data = join(home, 'data')
  const log = await createStoredLog(t, { folder: join(data, 'checksum-log', 'default'), size })
  const key = join(home, 'sumdb.key')
  await writeFile(key, `${LOG_KEY.skey}\n`, { mode: 0o600 })
  // As modstead leaves it.
  await writeFile(join(data, 'modstead.json'), '{"format":1,"createdBy":"1.2.3"}\n')
  const yaml = `dataDir: "${data}"\nchecksumLog: { key: "file:${key}" }\n${more}`
  return { data, log, run: (args, given) => runHere({ args: ['sumdb', ...args], yaml, ...given }) }
}
