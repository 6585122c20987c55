/** `npm run docs` writes the files that are made from code; with `--check` it only says which of them are out of date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sqliteStatements } from '../server/src/catalog/compile.ts'
import { errorsPage } from '../server/src/http/errors-page.ts'
import { permissionsPage } from '../server/src/http/api/permissions-page.ts'
import { configReference } from './config-reference.ts'

const ROOT = dirname(import.meta.dirname)

/** What writes each file, by its path. A file from code is one line here. */
const FILES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/configuration.md': configReference,
  'docs/errors.md': errorsPage,
  'docs/permissions.md': permissionsPage,
  'server/src/catalog/sqlite-statements.ts': sqliteStatements,
}

/** The files that are not what the code says, with what it says. */
async function outdatedFiles(): Promise<[path: string, text: string][]> {
  const all = Object.entries(FILES).map(async ([path, write]): Promise<[string, string]> => [
    path,
    await write(),
  ])
  return (await Promise.all(all)).filter(([path, text]) => contents(path) !== text)
}

function contents(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function main(args: readonly string[]): Promise<number> {
  const outdated = await outdatedFiles()
  if (args.includes('--check')) {
    for (const [path] of outdated) console.error(`${path} is out of date: run "npm run docs"`)
    return outdated.length > 0 ? 1 : 0
  }
  for (const [path, text] of outdated) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), text)
    console.log(`wrote ${path}`)
  }
  return 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
