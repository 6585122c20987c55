import { ModsteadError } from '../errors.ts'
import { redactText } from '../observe/redact.ts'
import { type CommandContext, EXIT } from './context.ts'

/**
 * Writes what went wrong to standard error, in a sentence and the next step, and gives the exit code. The stack of an
 * error that was not foreseen is only shown when `detailed`.
 */
export function reportFailure(
  { stderr }: Pick<CommandContext, 'stderr'>,
  error: unknown,
  { detailed = false } = {},
): number {
  if (error instanceof ModsteadError) {
    const several = error.message.includes('\n')
    stderr.write(
      several
        ? `modstead: the configuration has mistakes\n\n${error.message}\n\n`
        : `modstead: ${sentence(error.message)}\n`,
    )
    if (error.next !== undefined) stderr.write(`${capitalised(sentence(error.next))}\n`)
    if (detailed && error.cause !== undefined) stderr.write(`${stackOf(error.cause)}\n`)
    return error.code === 'config_invalid' ? EXIT.usage : EXIT.failure
  }
  const message = error instanceof Error ? error.message : String(error)
  stderr.write(`modstead: unexpected error: ${sentence(redactText(message))}\n`)
  stderr.write(
    detailed
      ? `${stackOf(error)}\n`
      : 'This is a defect of modstead; --log-level debug shows where it happened.\n',
  )
  return EXIT.failure
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** A command keeps its spelling: it is to be copied. */
function capitalised(text: string): string {
  if (text.startsWith('modstead ')) return text
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function stackOf(error: unknown): string {
  return redactText(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
