import type { KeyPath } from './problems.ts'

/** What replacing the variables in a text gave. */
export interface Interpolated {
  text: string
  /** At least one variable was replaced: the text may hold a secret. */
  changed: boolean
  /** Each a sentence without the values of variables. */
  problems: string[]
}

/** Replaces each `${NAME}` by the variable's value; `$${` stands for `${` itself. A variable that is not set is a problem, and stays as it is. */
export function interpolate(text: string, env: Readonly<Record<string, string | undefined>>): Interpolated {
  const problems: string[] = []
  let changed = false
  const replaced = text.replaceAll(/\$\$\{|\$\{([^}]*)(\}?)/g, (whole, name: string, end: string) => {
    if (whole === '$${') return '${'
    if (end === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      problems.push(
        '"${" must be followed by the name of an environment variable and "}"; write "$${" for the text itself',
      )
      return whole
    }
    changed = true
    const value = env[name]
    if (value === undefined) problems.push(`the environment variable ${name} is not set`)
    return value ?? whole
  })
  return { text: replaced, changed, problems }
}

/** Interpolates every text inside `value`, a tree of plain objects and arrays. `report` hears of each text that changed. */
export function interpolateAll(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  report: (path: KeyPath, result: Interpolated) => void,
  path: KeyPath = [],
): unknown {
  if (typeof value === 'string') {
    const result = interpolate(value, env)
    if (result.changed || result.problems.length > 0) report(path, result)
    return result.text
  }
  if (Array.isArray(value))
    return value.map((item, index) => interpolateAll(item, env, report, [...path, index]))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    interpolateAll(item, env, report, [...path, key]),
  ])
  return Object.fromEntries(entries) as unknown
}
