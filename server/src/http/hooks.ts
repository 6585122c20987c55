import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HookConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { Action } from './action.ts'
import { type HookEvent, readPayload } from './hook-payloads.ts'
import { signatureProblem } from './hook-signatures.ts'
import type { PushReceiver } from './push-hint.ts'
import { createBodyReader } from './read-body.ts'
import { rawTarget } from './request-path.ts'

export interface HooksOptions {
  hooks: ReadonlyMap<string, HookConfig>
  /** `''`, or a path like `/goproxy`: hooks are found below it and at the root. */
  prefix: string
  receiver: PushReceiver
  observer: Observer
  /** For tests; absent: 10 s. Milliseconds for the whole body. */
  deadline?: number
}

const DEADLINE = 10_000
/** Payloads of products have at most some hundred kilobytes: they list commits, and no contents of files. */
const BYTES = { each: 1 << 20, together: 32 << 20 }

/**
 * `POST /hooks/NAME`: finds the hook, reads the body, verifies what its product signs of it, and only then looks into
 * that. A push is handed on as a hint.
 *
 * The answer is the same whether the repository is known or not, so that a sender learns nothing of what is kept here
 * but by the secret of its own hook, and so that products do not switch off a hook for a whole group of which only some
 * repositories are known. A replayed hook asks for a refresh that finds nothing new.
 */
export function createHooks(options: HooksOptions): Action {
  const { hooks, prefix, receiver, observer, deadline = DEADLINE } = options
  const readBody = createBodyReader({ ...BYTES, deadline })
  const outcomes = observer.counter('modstead_hook_requests_total', 'Requests to push hooks by outcome.', [
    'hook',
    'outcome',
  ])

  function handOn(hook: HookConfig, event: HookEvent): Reply {
    if (event.kind !== 'push') {
      outcomes.add(1, hook.name, event.kind)
      return event.kind === 'ping' ? PONG : IGNORED
    }
    const { repository, refs } = event
    const outcome = receiver.onPush({ hook: hook.name, repository, refs })
    outcomes.add(1, hook.name, outcome)
    const fields = { hook: hook.name, repository: repository[0], refs: refs.slice(0, 10), outcome }
    observer.log.info(fields, 'a push was reported')
    return NOTED
  }

  async function receive(hook: HookConfig, req: IncomingMessage, signal: AbortSignal): Promise<Reply> {
    const form = checkContentType(hook, req)
    const body = await readBody(req, signal)
    const text = form ? payloadOf(body) : body.toString()
    // Gitea and Forgejo sign the payload before it becomes a form.
    const signed = form && hook.type === 'gitea' ? Buffer.from(text) : body
    const problem = signatureProblem(hook, { headers: req.headers, body: signed, now: Date.now() })
    if (problem !== undefined)
      throw new ModsteadError('bad_signature', problem, {
        next: `set the same secret at the sender and in hooks.${hook.name}.secret, and compare the clocks`,
      })
    return handOn(hook, readPayload(hook.type, req.headers, text))
  }

  return {
    kind: 'hook',
    takes: (req) => hooks.size > 0 && hookName(req, prefix) !== undefined,
    async answer({ req, res, signal }) {
      const hook = hooks.get(hookName(req, prefix) ?? '')
      if (hook === undefined)
        throw new ModsteadError('no_endpoint', 'there is no hook of this name', {
          next: 'check the address at the sender; names stand under hooks in the configuration',
        })
      if (req.method !== 'POST')
        throw new ModsteadError('method_not_allowed', 'a hook takes only POST', {
          next: 'let the git server send its events here with POST',
          allow: 'POST',
        })
      try {
        return send(res, await receive(hook, req, signal))
      } catch (error) {
        outcomes.add(1, hook.name, 'refused')
        throw error
      }
    },
  }
}

interface Reply {
  status: number
  text: string
}

const PONG: Reply = { status: 200, text: 'the hook works: its signature is right\n' }
const NOTED: Reply = {
  status: 202,
  text: 'noted: if this repository is known here, its branches and tags will be looked at\n',
}
const IGNORED: Reply = { status: 202, text: 'ignored: this event is not about branches or tags\n' }

/** What stands behind `/hooks/`; `undefined` for other paths. */
function hookName(req: IncomingMessage, prefix: string): string | undefined {
  const [path = ''] = rawTarget(req).split('?', 1)
  const start = ['/hooks/', `${prefix}/hooks/`].find((start) => path.startsWith(start))
  return start === undefined ? undefined : path.slice(start.length)
}

/**
 * Whether the body is a form with the payload in a field, as GitHub and Gitea send it unless told otherwise. Throws
 * `unsupported_media_type` for anything but that and JSON.
 */
function checkContentType(hook: HookConfig, { headers }: IncomingMessage): boolean {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  const encoding = headers['content-encoding'] ?? 'identity'
  const mayBeForm = hook.type === 'github' || hook.type === 'gitea'
  const form = mayBeForm && type === 'application/x-www-form-urlencoded'
  if (encoding === 'identity' && (form || type === 'application/json')) return form
  throw new ModsteadError(
    'unsupported_media_type',
    encoding === 'identity' ? 'the body is not declared as JSON' : 'the body is compressed',
    { next: 'let the sender use the content type application/json, uncompressed' },
  )
}

/** The field of a form that holds the payload; `''` where it has none. */
function payloadOf(form: Buffer): string {
  return new URLSearchParams(form.toString()).get('payload') ?? ''
}

function send(res: ServerResponse, { status, text }: Reply): number {
  res.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(text)
  return Buffer.byteLength(text)
}
