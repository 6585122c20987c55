import { ROLES } from '../../access/roles.ts'
import { PERMISSIONS } from '../../config/permissions.ts'
import type { ApiEndpoint, Needed } from './endpoint.ts'
import { apiEndpoints } from './endpoints.ts'

/** The text of docs/permissions.md: what each role allows, and what each endpoint takes. */
export function permissionsPage(): string {
  const roles = Object.entries(ROLES)
  return [
    INTRODUCTION,
    table(
      ['', ...roles.map(([name]) => `\`${name}\``)],
      PERMISSIONS.map((permission) => [
        `\`${permission}\``,
        ...roles.map(([, allowed]) => (allowed.includes(permission) ? 'yes' : '')),
      ]),
    ),
    MODULES,
    table(
      ['request', 'takes', 'does'],
      described().map(({ method, path, needs, summary }) => [
        `\`${method} ${path.replaceAll(/:(\w+)/g, (_, name: string) => name.toUpperCase())}\``,
        wordsFor(needs),
        summary,
      ]),
    ),
  ].join('\n')
}

function wordsFor(needs: Needed): string {
  if (needs === 'anybody') return 'nothing'
  return needs === 'signed-in' ? 'any credential' : `\`${needs}\``
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return `${[line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')}\n`
}

/** Every endpoint of the API, as a server that has all of it would have them. Nobody is to ask them anything. */
function described(): ApiEndpoint[] {
  const unasked = (): never => {
    throw new TypeError('this endpoint is only described')
  }
  return apiEndpoints({
    records: {
      acts: unasked,
      token: unasked,
      tokens: unasked,
      addToken: unasked,
      revokeToken: unasked,
      incident: unasked,
      incidents: unasked,
      acknowledge: unasked,
    },
    access: { decide: unasked },
    config: { tokens: [] },
    sessions: { list: unasked, find: unasked, end: unasked },
    configuration: unasked,
    proxy: { refresh: unasked, serve: unasked, promote: unasked, promotions: unasked },
    log: { debug: unasked, info: unasked, warn: unasked, error: unasked },
    version: '',
  })
}

const INTRODUCTION = `# Permissions

<!-- Written by \`npm run docs\` from server/src/http/api/permissions-page.ts. -->

What each role allows, and what each endpoint takes. How roles are given to people stands in [access.md](access.md). The
end-to-end test \`permissions.test.ts\` asks every endpoint as everybody, of their own site and of others, and knows by a
table of its own what should come.
`

const MODULES = `A binding to a role that is limited to some modules reaches only requests about those; \`token:create\` alone makes no
difference there, since a token never does more than its owner may.

## Modules and checksum databases

| request | takes |
|---|---|
| \`GET MODULE/@v/…\`, \`MODULE/@latest\` | \`module:read\`; for public modules nothing, unless \`anonymous\` says otherwise |
| \`PUT MODULE/@v/VERSION.zip\` | \`module:publish\` |
| \`DELETE MODULE/@v/VERSION\` | \`module:delete\` |
| \`GET …/lookup/MODULE@VERSION\` | the same as to read the module |
| \`GET …/latest\`, \`…/supported\`, \`…/tile/8/…\` | nothing |
| \`GET …/tile/8/data/…\` of a log of yours | \`audit:read\` |
| \`GET /tlog/NAME/…\` | nothing, but \`audit:read\` for \`index\` and \`tile/entries/…\` |

## Pages and signing in

| request | takes |
|---|---|
| \`GET /\`, \`/settings\` | nothing; at a tenant with \`anonymous: none\` any credential |
| \`GET /healthz\`, \`/readyz\`, \`/metrics\` | nothing: at the top level only |
| import paths (\`?go-get=1\`) | nothing |
| \`POST /hooks/NAME\` | the signature of the hook |
| \`GET /auth/whoami\` | any credential |
| everything else at \`/auth\` | what the request itself says: a code, a token, a form of this browser |

Where nothing is needed, a credential that proves nobody is refused all the same (401), but for probes, import paths,
hooks, \`/tlog\`, \`/auth\` and \`openapi.json\`, which look at none.

## The administrative API, at \`/api/v1\`

Where any credential will do, the sentence beside it says what it is good for.
`
