/** `npm run docs` writes the pages that are made from code; with `--check` it only says which of them are out of date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorsPage } from '../server/src/http/errors-page.ts'
import { configReference } from './config-reference.ts'

const ROOT = dirname(import.meta.dirname)

/** Pages by their path. A page from code is one line here. */
const PAGES: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configReference,
  'docs/errors.md': errorsPage,
}

/** Pages whose file is not what the code says. */
export function outdatedPages(): string[] {
  return Object.entries(PAGES)
    .filter(([path, write]) => contents(path) !== write())
    .map(([path]) => path)
}

function contents(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function main(args: readonly string[]): number {
  const outdated = outdatedPages()
  if (args.includes('--check')) {
    for (const path of outdated) console.error(`${path} is out of date: run "npm run docs"`)
    return outdated.length > 0 ? 1 : 0
  }
  for (const path of outdated) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), PAGES[path]!())
    console.log(`wrote ${path}`)
  }
  return 0
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
