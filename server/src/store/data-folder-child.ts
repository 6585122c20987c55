/** Run by `data-folder.test.ts` as another process, or another user, that opens a data folder. */
import { ModsteadError } from '../errors.ts'
import { openDataFolder } from './data-folder.ts'

const [task, path] = process.argv.slice(2) as [string, string]
if (task === 'open-as-nobody' && process.geteuid?.() === 0) process.seteuid?.(65_534)
try {
  const folder = await openDataFolder(path, { version: '0.0.0-test' })
  process.stdout.write(folder.exposed ? 'open, exposed\n' : 'open\n')
  if (task === 'hold') await new Promise((resolve) => setTimeout(resolve, 60_000))
  await folder.close()
} catch (error) {
  if (!(error instanceof ModsteadError)) throw error
  process.stdout.write(`${error.code}: ${error.message}\n`)
}
