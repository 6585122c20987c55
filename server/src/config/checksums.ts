import { GomodError } from '@modstead/gomod/error'
import { parseGosumdb } from '@modstead/gomod/sumdb/known'
import type { SumdbConfig } from './config.ts'

/** Checksum databases, and what is wrong with how some of them are given. */
export interface ChecksumDatabases {
  databases: SumdbConfig[]
  /** `index` says which of the given texts, from 0. */
  problems: { index: number; message: string }[]
}

/** Reads checksum databases that are each given as for GOSUMDB. `off` means none, and stands alone. */
export function buildChecksumDatabases(given: readonly string[]): ChecksumDatabases {
  const databases: SumdbConfig[] = []
  const problems: ChecksumDatabases['problems'] = []
  for (const [index, text] of given.entries()) {
    const parsed = text === 'off' ? offAmong(given) : parseDatabase(text)
    if (typeof parsed === 'string') problems.push({ index, message: parsed })
    else if (parsed && databases.some((other) => other.name === parsed.name))
      problems.push({ index, message: `the checksum database ${parsed.name} is given twice` })
    else if (parsed) databases.push(parsed)
  }
  return { databases, problems }
}

function offAmong(given: readonly string[]): string | undefined {
  if (given.length === 1) return undefined
  return '"off" means no checksum database at all: leave it out, or leave the others out'
}

/** The database, or a sentence that says what is wrong. */
function parseDatabase(text: string): SumdbConfig | string {
  if (text.includes('@')) return 'the URL of a checksum database cannot hold a user name and password'
  try {
    const parsed = parseGosumdb(text)
    if ('off' in parsed) return `expected a checksum database, found ${JSON.stringify(text)}`
    const { name, vkey: key, url } = parsed
    if (url === undefined) return { name, key }
    if (!/^https?:\/\/[^?#]+$/.test(url))
      return `the URL of ${name} must be one of https or http without "?" and "#"`
    return { name, key, url: new URL(url).href.replace(/\/+$/, '') }
  } catch (error) {
    if (error instanceof GomodError) return error.message
    throw error
  }
}
