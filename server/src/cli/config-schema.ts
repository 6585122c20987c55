import { configJsonSchema } from '../config/json-schema.ts'
import { type CommandContext, EXIT } from './context.ts'

/** `modstead config schema`: the JSON Schema of configuration files. */
export function printSchema({ stdout }: CommandContext): number {
  stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
  return EXIT.ok
}
