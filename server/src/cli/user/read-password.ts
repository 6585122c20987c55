import { open } from 'node:fs/promises'
import { resolve as resolvePath } from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { describeFileError } from '../../config/file-errors.ts'
import { ModsteadError } from '../../errors.ts'
import type { CommandContext, Input } from '../context.ts'

/** Bytes of a file or a pipe with one line in it. */
const LARGEST = 16 << 10
/** How long somebody may take to type, or a program to say it. Milliseconds. */
const PATIENCE = 300_000

/**
 * A password that nobody else on the machine sees: the one line of a file or of what is piped in, or typed twice on a
 * terminal, which does not show it. Throws `config_invalid`; no message holds it.
 */
export async function readPassword(
  user: string,
  file: string | undefined,
  context: Pick<CommandContext, 'cwd' | 'stdin' | 'stderr'>,
): Promise<string> {
  if (file !== undefined) return lineOf(await startOf(resolvePath(context.cwd, file)), '--password-file')
  const input = context.stdin()
  if (input.isTTY !== true) return lineOf(await pipedInto(input), 'standard input')
  const prompts = [`Password of ${user}: `, 'The same again: ']
  const [first, second] = await ask(input, prompts, context)
  if (first !== second) throw refused('the two passwords differ')
  return first!
}

/** Nothing is echoed: what readline would show goes nowhere. */
async function ask(
  input: Input,
  prompts: readonly string[],
  { stderr }: Pick<CommandContext, 'stderr'>,
): Promise<string[]> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
  const answers: string[] = []
  try {
    await beforeLong((resolve, reject) => {
      const prompt = (): void => void stderr.write(prompts[answers.length]!)
      lines.on('line', (line) => {
        if (answers.length === prompts.length) return
        answers.push(line)
        stderr.write('\n')
        if (answers.length === prompts.length) resolve()
        else prompt()
      })
      const giveUp = (): void => {
        if (answers.length < prompts.length) stderr.write('\n')
        reject(refused('no password was typed'))
      }
      lines.once('SIGINT', giveUp)
      lines.once('close', giveUp)
      prompt()
    })
  } finally {
    lines.removeAllListeners('close')
    lines.close()
  }
  return answers
}

async function pipedInto(input: Input): Promise<Buffer> {
  const chunks: Buffer[] = []
  await beforeLong((resolve, reject) => {
    let size = 0
    input.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > LARGEST) resolve()
    })
    input.on('end', resolve)
    input.on('error', reject)
  }).finally(() => input.destroy())
  return Buffer.concat(chunks)
}

async function beforeLong(
  work: (resolve: () => void, reject: (error: unknown) => void) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(refused('no password came within five minutes')), PATIENCE)
      work(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
  }
}

async function startOf(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LARGEST + 1))
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new ModsteadError('config_invalid', `--password-file: ${describeFileError(path, cause)}`, { cause })
  }
}

function lineOf(bytes: Buffer, from: string): string {
  const text = bytes.toString()
  if (!Buffer.from(text).equals(bytes)) throw refused(`${from} is not UTF-8`)
  const line = text.replace(/\r?\n$/, '')
  if (bytes.length > LARGEST || /[\r\n]/.test(line)) throw refused(`${from} has more than one line`)
  return line
}

function refused(problem: string): ModsteadError {
  return new ModsteadError('config_invalid', `${problem}: nothing was changed`, {
    next: 'see modstead user set --help',
  })
}
