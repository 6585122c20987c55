/**
 * Puts the sources of the laptop helper into the package `modstead` while npm packs it, for the server serves them;
 * `--undo` takes them out again: in a clone they are read where they are.
 */
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const from = fileURLToPath(new URL('../client', import.meta.url))
const to = fileURLToPath(new URL('../server/client', import.meta.url))

rmSync(to, { recursive: true, force: true })
if (!process.argv.includes('--undo'))
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('_test.go') })
