import { readFile, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { parseGoSum, type GoSumLine } from '@modstead/gomod/gosum'
import { ModsteadError } from '../errors.ts'
import type { Finding } from './finding.ts'
import { shownPlace } from './wording.ts'

/** What go.sum files say. */
export interface Sums {
  /** As they are printed. */
  files: string[]
  lines: (GoSumLine & { where: string })[]
  /** Lines that `go` refuses, or that can do nothing. */
  findings: Finding[]
}

/** The largest that is read, in bytes: some hundred thousand lines. */
const LARGEST = 32 << 20

/**
 * Reads `target`: a go.sum file, or a folder with a go.sum, a go.work.sum or both. None where the folder has a go.mod
 * only, which needs no other module. Throws `config_invalid` where there is nothing of the kind, and `bad_request` for
 * a file that is too large.
 */
export async function readSums(target: string, cwd: string): Promise<Sums> {
  const path = resolve(cwd, target)
  const sums: Sums = { files: [], lines: [], findings: [] }
  if ((await sizeOf(path)) === 'folder') {
    for (const name of ['go.sum', 'go.work.sum']) await readInto(sums, join(path, name), cwd)
    if (sums.files.length > 0 || (await sizeOf(join(path, 'go.mod'))) !== undefined) return sums
    throw new ModsteadError('config_invalid', `there is no go.sum in ${shownPlace(path)}`, {
      next: 'name a go.sum or the folder of a project, or check the whole module cache with --cache',
    })
  }
  await readInto(sums, path, cwd)
  if (sums.files.length > 0) return sums
  throw new ModsteadError('config_invalid', `there is no file ${shownPlace(path)}`, {
    next: 'name a go.sum, or the folder of a project',
  })
}

async function readInto(sums: Sums, path: string, cwd: string): Promise<void> {
  const size = await sizeOf(path)
  if (size === undefined) return
  if (size === 'folder' || size > LARGEST)
    throw new ModsteadError(
      'bad_request',
      `${shownPlace(path)} is ${size === 'folder' ? 'not a file' : `larger than ${LARGEST} bytes`}`,
      {
        next: 'no go.sum is like that: see what became of the file, and run "go mod tidy"',
      },
    )
  const below = relative(cwd, path)
  const file = below.startsWith('..') ? path : below
  const { lines, problems, moreProblems } = parseGoSum(await readFile(path, 'utf8'))
  sums.files.push(file)
  for (const line of lines) sums.lines.push({ ...line, where: `${file}:${line.line}` })
  for (const { line, message } of problems) sums.findings.push(badLine(file, `line ${line} ${message}`))
  if (moreProblems > 0) sums.findings.push(badLine(file, `${moreProblems} more lines are wrong`))
}

function badLine(file: string, problem: string): Finding {
  return {
    kind: 'bad_line',
    wrong: ['go_sum'],
    claims: [],
    message: `${shownPlace(file)}: ${problem}.`,
    steps: [
      {
        text: 'Take the line out, or settle the merge that left it there, and run:',
        commands: ['go mod tidy'],
      },
    ],
    security: false,
  }
}

/** Bytes of a file; `undefined` where there is none. A pipe would never end, and counts as a folder does. */
async function sizeOf(path: string): Promise<number | 'folder' | undefined> {
  try {
    const stats = await stat(path)
    return stats.isFile() ? stats.size : 'folder'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ModsteadError('config_invalid', `${shownPlace(path)} cannot be read (${code})`, {
      cause: error,
    })
  }
}
