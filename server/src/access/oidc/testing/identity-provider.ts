/** A real OpenID Connect provider on loopback: node-oidc-provider, with a page where one signs in by a name alone. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Provider } from 'oidc-provider'

export interface IdentityProvider {
  issuer: string
  clientId: string
  clientSecret: string
  /** RS256, `kid` test. */
  signingKey: KeyObject
  /** What is said of each account, by `sub`; may be changed, and accounts taken away. */
  accounts: Map<string, Record<string, unknown>>
  /** Paths of the requests that came. */
  asked: string[]
  /** Lets every request fail with this status, until it is undefined again. */
  broken: number | undefined
  /** What is said instead of the next answer of the token endpoint. */
  spoof: ((body: Record<string, unknown>) => Record<string, unknown>) | undefined
  /** The same, with time to think. */
  rewrite: ((body: Record<string, unknown>) => Promise<Record<string, unknown>>) | undefined
  /** What the userinfo endpoint says instead of the truth. */
  userinfo: Record<string, unknown> | number | undefined
  /** The secret of the client is another than the one that is presented. */
  secretChanged: boolean
  /** Stops listening: connections are refused. */
  stop(): Promise<void>
  /** Listens again at the same port. */
  start(): Promise<void>
}

export interface IdentityProviderOptions {
  redirectUris: readonly string[]
  postLogoutRedirectUris?: readonly string[]
  backchannelLogoutUri?: string
  accounts: Record<string, Record<string, unknown>>
  /** More claims besides the usual ones. */
  claims?: readonly string[]
  /** Default: in every answer, as GitLab does. */
  refreshTokens?: boolean
  endSession?: boolean
  /** PEM; default: plain HTTP. */
  tls?: { cert: string; key: string }
}

const CLIENT = { id: 'modstead-test', secret: 'test-client-secret-0123456789' }

export async function startIdentityProvider(
  t: Pick<TestContext, 'after'>,
  options: IdentityProviderOptions,
): Promise<IdentityProvider> {
  let handle: http.RequestListener = () => undefined
  const { tls } = options
  const listener: http.RequestListener = (req, res) => handle(req, res)
  const server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener)
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const issuer = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const known: IdentityProvider = {
    issuer,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    signingKey: privateKey,
    accounts: new Map(Object.entries(options.accounts)),
    asked: [],
    broken: undefined,
    spoof: undefined,
    rewrite: undefined,
    userinfo: undefined,
    secretChanged: false,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
    start: () => listen(server, port),
  }
  t.after(async () => {
    if (server.listening) await known.stop()
  })
  const provider = createProvider(issuer, known, options)
  const answer = provider.callback()
  handle = (req, res) => {
    const path = (req.url ?? '').split('?', 1)[0]!
    known.asked.push(path)
    if (known.broken !== undefined) {
      res.writeHead(known.broken).end('broken')
      return
    }
    if (known.secretChanged && path === '/token')
      req.headers.authorization = `Basic ${Buffer.from(`${CLIENT.id}:another`).toString('base64')}`
    if (path.startsWith('/interaction/')) void interact(provider, req, res)
    else if (path === '/token' && known.rewrite !== undefined) void spoofed(known.rewrite, answer, req, res)
    else if (path === '/token' && known.spoof !== undefined)
      void spoofed(async (body) => known.spoof!(body), answer, req, res)
    else if (path === '/me' && typeof known.userinfo === 'number') res.writeHead(known.userinfo).end()
    else if (path === '/me' && known.userinfo !== undefined)
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(known.userinfo))
    else void answer(req, res)
  }
  return known
}

async function listen(server: http.Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

function createProvider(issuer: string, known: IdentityProvider, options: IdentityProviderOptions): Provider {
  const { redirectUris, postLogoutRedirectUris = [], backchannelLogoutUri, refreshTokens = true } = options
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: redirectUris,
        post_logout_redirect_uris: postLogoutRedirectUris,
        ...(backchannelLogoutUri !== undefined && {
          backchannel_logout_uri: backchannelLogoutUri,
          backchannel_logout_session_required: true,
        }),
      },
    ],
    jwks: {
      keys: [{ ...known.signingKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'test' }],
    },
    // It would not reach loopback by itself.
    fetch: (url: string, options: RequestInit & { dispatcher?: unknown }) => {
      const { dispatcher: _, ...rest } = options
      return fetch(url, rest)
    },
    cookies: { keys: ['only-for-tests'] },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    issueRefreshToken: async () => refreshTokens,
    rotateRefreshToken: () => true,
    expiresWithSession: async () => false,
    claims: {
      openid: ['sub', ...(options.claims ?? [])],
      profile: ['name', 'nickname', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    async findAccount(_: unknown, sub: string) {
      const claims = known.accounts.get(sub)
      return claims && { accountId: sub, claims: async () => ({ sub, ...claims }) }
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: options.endSession ?? true },
      backchannelLogout: { enabled: backchannelLogoutUri !== undefined },
    },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      IdToken: 3600,
      RefreshToken: 86400,
      Grant: 86400,
      Session: 86400,
      Interaction: 600,
    },
    clientBasedCORS: () => false,
  })
  return provider
}

/** GET shows a form, POST signs in as `login` and consents; a `login` of `no` declines. */
async function interact(
  provider: Provider,
  req: http.IncomingMessage,
  res: http.ServerResponse,
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(req, res)
  if (req.method !== 'POST' && prompt.name === 'login') {
    res.writeHead(200, { 'content-type': 'text/html' })
    res.end(
      '<!doctype html><title>Identity</title><form method="post"><input name="login" id="login"><button>In</button></form>',
    )
    return
  }
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const login = new URLSearchParams(Buffer.concat(chunks).toString()).get('login') ?? session?.accountId ?? ''
  if (login === 'no') {
    await provider.interactionFinished(req, res, { error: 'access_denied' })
    return
  }
  const grant = new provider.Grant({ accountId: login, clientId: params.client_id! })
  grant.addOIDCScope(params.scope ?? 'openid')
  const id = await grant.save()
  await provider.interactionFinished(
    req,
    res,
    { ...(prompt.name === 'login' && { login: { accountId: login } }), consent: { grantId: grantId ?? id } },
    { mergeWithLastSubmission: true },
  )
}

/** Lets `change` rewrite the JSON that the provider answers with. */
function spoofed(
  change: (body: Record<string, unknown>) => Promise<Record<string, unknown>>,
  answer: (req: http.IncomingMessage, res: http.ServerResponse) => Promise<void>,
  req: http.IncomingMessage,
  res: http.ServerResponse,
): Promise<void> {
  const end = res.end.bind(res)
  res.end = ((text: string | Buffer) => {
    void change(JSON.parse(String(text)) as Record<string, unknown>).then((changed) => {
      const body = JSON.stringify(changed)
      res.setHeader('content-length', Buffer.byteLength(body))
      return end(body)
    })
    return res
  }) as typeof res.end
  return answer(req, res)
}
