import { z } from 'zod'
import { configSchema } from './schema.ts'

/** The JSON Schema (draft 2020-12) of configuration files, for editors and checks in CI. */
export function configJsonSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'modstead configuration',
    ...z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }),
  }
}
