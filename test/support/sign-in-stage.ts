/** A modstead over TLS where people sign in at a real OpenID Connect provider, in front of private modules. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type IdentityProvider,
  startIdentityProvider,
} from '../../server/src/access/oidc/testing/identity-provider.ts'
import { quietPort } from '../../server/src/access/oidc/testing/free-port.ts'
import type { GoHome } from './go.ts'
import { setStage, type Stage } from './stage.ts'
import { makeModule, putModule, type TestModule } from './test-module.ts'

const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))

export interface SignInStage {
  stage: Stage
  idp: IdentityProvider
  base: string
  /** PEM of the authority that signed for the server. */
  ca: string
  private: TestModule
  /** What an endpoint for programs answers. */
  post(
    path: string,
    fields: Record<string, string>,
  ): Promise<{ status: number; json: Record<string, unknown> }>
  /** A `go` that sends this token. */
  go(token?: string): Promise<GoHome>
}

/** `tenant`: people sign in there, and at the server itself nobody does. */
export async function setSignInStage(t: TestContext, tenant?: string): Promise<SignInStage> {
  const port = await quietPort()
  const publicUrl = `https://127.0.0.1:${port}`
  const base = tenant === undefined ? publicUrl : `${publicUrl}/t/${tenant}`
  const idp = await startIdentityProvider(t, {
    redirectUris: [`${base}/auth/callback/corp`],
    postLogoutRedirectUris: [`${base}/auth/signin`],
    accounts: { 7: { preferred_username: 'alice', groups: ['team-a'] } },
    claims: ['groups'],
  })
  const made = makeModule({ module: 'corp.example/team-a/lib', version: 'v1.0.0' })
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      port,
      scheme: 'https',
      flags: ['--log-requests'],
      env: { OIDC_SECRET: idp.clientSecret },
      configOf(upstream) {
        const site = `
origins: { up: { url: "${upstream}" } }
access:
  oidc:
    corp: { type: gitlab, label: Corp, issuer: "${idp.issuer}", clientId: ${idp.clientId}, clientSecret: "\${OIDC_SECRET}" }
  bindings: [{ to: "group:team-a", role: developer, modules: corp.example/team-a }]
routes: [{ modules: corp.example, from: [up], private: true }, { modules: "*", from: [up] }]
`
        return `
publicUrl: ${publicUrl}
tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }
audit: {}
${tenant === undefined ? site : `tenants:\n  ${tenant}:${site.replaceAll('\n', '\n    ')}`}
`
      },
    },
  })
  putModule(stage.tree, made)
  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  return {
    stage,
    idp,
    base,
    ca,
    private: made,
    async post(path, fields) {
      const { openBrowser } = await import('../../server/src/access/oidc/testing/browser.ts')
      const { status, text } = await openBrowser({ ca }).ask(`${base}${path}`, { form: fields })
      return { status, json: JSON.parse(text) as Record<string, unknown> }
    },
    async go(token) {
      const go = await stage.go({
        env: { SSL_CERT_FILE: `${CERTIFICATES}ca.pem`, GONOSUMDB: 'corp.example' },
      })
      if (token !== undefined)
        await writeFile(
          join(go.folder, '.netrc'),
          `machine 127.0.0.1:${port} login __token__ password ${token}\n`,
          { mode: 0o600 },
        )
      return go
    },
  }
}
