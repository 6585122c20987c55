import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from '../../observe/test-support.ts'
import { type Given, runHere } from '../run.fixture.ts'

export const GOOD = 'correct-horse-battery'

/** A folder with a configuration that names `users`, which is not there yet unless `text` is given. */
export async function userPlace(t: TestContext, text?: string) {
  const folder = await temporaryFolder(t)
  const users = join(folder, 'etc', 'users')
  const dataDir = join(folder, 'data')
  await mkdir(dirname(users))
  if (text !== undefined) await writeFile(users, text)
  const yaml = `
publicUrl: https://go.corp.example
dataDir: ${dataDir}
audit: {}
access:
  htpasswd: ${users}
  groups: { team-a: [alice], team-b: [alice, bob] }
tenants:
  acme:
    access: { htpasswd: ${users}-acme }
`
  const run = (args: readonly string[], more: Partial<Given> = {}) =>
    runHere({ args: ['user', ...args], yaml, ...more })
  return {
    folder,
    users,
    dataDir,
    run,
    set: (name: string, password: string, ...args: string[]) =>
      run(['set', name, ...args], { stdin: `${password}\n` }),
    read: (path = users) => readFile(path, 'utf8'),
  }
}
