import type { HookConfig } from './config.ts'
import { type BuildContext, complain } from './context.ts'
import type { FileHook } from './schema.ts'
import { resolveSecret, SHORTEST } from './secrets.ts'

/** The hooks of the file with their secrets, by name. */
export async function buildHooks(
  context: BuildContext,
  hooks: Readonly<Record<string, FileHook>>,
): Promise<Map<string, HookConfig>> {
  const built = new Map<string, HookConfig>()
  for (const [name, { type, secret: given }] of Object.entries(hooks)) {
    const path = ['hooks', name, 'secret']
    const secret = await resolveSecret(context, path, given)
    // Its characters would be taken for a key of other bytes than the sender's, and no signature would ever be right.
    if (
      type === 'gitlab' &&
      secret.startsWith(SIGNING_TOKEN) &&
      !/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret)
    )
      complain(
        context,
        path,
        `expected base64 after "${SIGNING_TOKEN}" in a signing token of GitLab, found something else`,
      )
    else if (secret !== '' && secret.length < SHORTEST)
      complain(context, path, `expected ${SHORTEST} characters or more, found ${secret.length}`)
    built.set(name, { name, type, secret })
  }
  return built
}

/** How GitLab's signing tokens begin; what GitLab calls a secret token is any other text. */
export const SIGNING_TOKEN = 'whsec_'
