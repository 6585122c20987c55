/** What the programs that modstead starts (git, ssh) need of its own environment: to be found, and to run at all. */
const KEPT = ['PATH', 'SystemRoot', 'TMPDIR', 'TEMP', 'TMP'] as const

export const PROGRAM_ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(
  KEPT.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  }),
)
