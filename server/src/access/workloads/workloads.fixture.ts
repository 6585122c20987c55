import type { TestContext } from 'node:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { WorkloadIssuer, WorkloadRule } from '../../config/access/access-config.ts'
import { temporaryFolder } from '../../observe/test-support.ts'

export const AUDIENCE = 'https://go.corp.example'

/** As GitLab shapes its ID tokens: all claims are texts, but times. */
export const GITLAB_CLAIMS = {
  namespace_id: '72',
  namespace_path: 'corp',
  project_id: '20',
  project_path: 'corp/app',
  user_id: '1',
  user_login: 'alice',
  user_email: 'alice@corp.example',
  user_access_level: 'maintainer',
  pipeline_id: '574',
  pipeline_source: 'push',
  job_id: '302',
  ref: 'main',
  ref_type: 'branch',
  ref_path: 'refs/heads/main',
  ref_protected: 'true',
  environment: 'prod',
  environment_protected: 'true',
  deployment_tier: 'production',
  runner_id: 1,
  runner_environment: 'self-hosted',
  sha: '714a629c0b401fdce83e847fc9589983fc6f46bc',
  sub: 'project_path:corp/app:ref_type:branch:ref:main',
  jti: '235b3a54-b797-45c7-ae9a-f72d7bc6ef5b',
}

export const GITLAB_RULE: WorkloadRule = {
  when: new Map([
    ['project_path', ['corp/*']],
    ['ref_protected', ['true']],
    ['environment', ['prod']],
  ]),
  as: { kind: 'workload', name: 'ci-{project_path}' },
  groups: ['ci'],
  permissions: ['module:read'],
  modules: ['corp.example'],
  lifetime: 900_000,
  untilTokenEnds: false,
}

/** An issuer whose keys are in a file, with what it signs. */
export async function issueTokens(
  t: TestContext,
  clock: { now: number },
  more: Partial<WorkloadIssuer> = {},
  usual: JWTPayload = GITLAB_CLAIMS,
) {
  const path = join(await temporaryFolder(t), 'jwks.json')
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const stranger = await generateKeyPair('RS256')
  await writeFile(
    path,
    JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] }),
  )
  const issuer: WorkloadIssuer = {
    name: 'gitlab',
    type: 'gitlab',
    issuer: 'https://gitlab.corp.example',
    audience: [AUDIENCE],
    algorithms: ['RS256'],
    keys: { kind: 'file', path },
    clockSkew: 30_000,
    require: new Map(),
    rules: [GITLAB_RULE],
    ...more,
  }
  const signWith =
    (key: CryptoKey) =>
    (claims: JWTPayload = {}, header: object = {}) => {
      const at = Math.floor(clock.now / 1000)
      const payload = {
        iss: issuer.issuer,
        aud: AUDIENCE,
        iat: at,
        nbf: at - 5,
        exp: at + 300,
        ...usual,
        ...claims,
      }
      return new SignJWT(payload)
        .setProtectedHeader({ alg: 'RS256', kid: 'one', typ: 'JWT', ...header })
        .sign(key)
    }
  return { issuer, sign: signWith(privateKey), forge: signWith(stranger.privateKey) }
}
