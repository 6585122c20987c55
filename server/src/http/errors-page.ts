import { MEANINGS } from './statuses.ts'

/** The text of docs/errors.md: every error code with its status, its cause and the next step. */
export function errorsPage(): string {
  const sections = Object.entries(MEANINGS).map(([code, { status, cause, next, retryAfter }]) =>
    [
      `## \`${code}\``,
      '',
      `Status ${status}${retryAfter === undefined ? '' : `, Retry-After ${retryAfter} s`}. ${cause}`,
      '',
      `*Next step:* ${next}`,
      '',
    ].join('\n'),
  )
  return `${INTRODUCTION}\n${sections.join('\n')}`
}

const INTRODUCTION = `# Error codes

<!-- Written by \`npm run docs\` from server/src/http/statuses.ts. -->

Each refusal of modstead has one of these codes. The answer to a client is plain text of at most four lines: the
cause, the next step, the number of the incident where there is one, and with an audit log the id of the decision; the
code itself stands in the log and in the metrics. Codes are stable: one that is given up is not used again for something else.

Status 404 is kept for what truly is not there, because it makes \`go\` go on to the next entry of GOPROXY. Outages
are 502, 503 or 504 and stop it.
`
