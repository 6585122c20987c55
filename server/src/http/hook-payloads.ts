/**
 * What the body of a push hook says, by the shape of each product's payloads. All of it is text chosen by others: what
 * does not look like a name or a ref is left out, and so is whatever makes too many of them.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { HookConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { PushHint } from './push-hint.ts'

/** `ignored`: an event about something else than branches and tags. */
export type HookEvent =
  | { kind: 'push'; repository: PushHint['repository']; refs: PushHint['refs'] }
  | { kind: 'ping' }
  | { kind: 'ignored' }

/** Refs of one event that are told one by one; of more, any may have changed. */
const MOST_REFS = 100

/**
 * Reads a payload. Throws `bad_request` for what is no JSON object, or a push that names no repository.
 */
export function readPayload(type: HookConfig['type'], headers: IncomingHttpHeaders, text: string): HookEvent {
  const payload = parseObject(text)
  switch (type) {
    case 'gitlab':
      return gitlabEvent(payload)
    case 'github':
      return forgeEvent(payload, headers['x-github-event'])
    case 'gitea':
      return forgeEvent(payload, headers['x-forgejo-event'] ?? headers['x-gitea-event'])
    case 'generic':
      return push(listOf(payload.repository), [...listOf(payload.refs), ...listOf(payload.ref)], {
        // A script that names no ref means all of them.
        silent: payload.refs === undefined && payload.ref === undefined,
      })
  }
}

type Payload = Readonly<Record<string, unknown>>

/** Hooks of projects and groups have `object_kind`, those of the whole system `event_name`. */
function gitlabEvent(payload: Payload): HookEvent {
  const kind = payload.object_kind ?? payload.event_name
  const { path_with_namespace, git_http_url, git_ssh_url, http_url, ssh_url, web_url } = objectOf(
    payload.project,
  )
  const names = [path_with_namespace, git_http_url, git_ssh_url, http_url, ssh_url, web_url]
  if (kind === 'push' || kind === 'tag_push') return push(names, [payload.ref])
  return kind === 'repository_update' ? push(names, listOf(payload.refs)) : { kind: 'ignored' }
}

/** GitHub, Gitea and Forgejo. `create` and `delete` have the short name of a ref and its type. */
function forgeEvent(payload: Payload, event: unknown): HookEvent {
  if (event === 'ping') return { kind: 'ping' }
  const { full_name, clone_url, ssh_url, git_url, html_url } = objectOf(payload.repository)
  const names = [full_name, clone_url, ssh_url, git_url, html_url]
  if (event === 'push') return push(names, [payload.ref])
  if (event !== 'create' && event !== 'delete') return { kind: 'ignored' }
  const { ref, ref_type: type } = payload
  const folder = type === 'tag' ? 'refs/tags/' : type === 'branch' ? 'refs/heads/' : undefined
  if (typeof ref !== 'string' || folder === undefined) return { kind: 'ignored' }
  return push(names, [ref.startsWith('refs/') ? ref : folder + ref])
}

/** `silent`: the event does not tell refs at all, which is not the same as telling refs of other kinds. */
function push(
  names: readonly unknown[],
  given: readonly unknown[],
  { silent = false }: { silent?: boolean } = {},
): HookEvent {
  const repository = [...new Set(names.flatMap(nameOf))].slice(0, 8)
  if (repository.length === 0)
    throw new ModsteadError('bad_request', 'the body names no repository', { next: CHECK_TYPE })
  const refs = [...new Set(given.filter(isRef))]
  if (refs.length === 0 && !silent) return { kind: 'ignored' }
  return { kind: 'push', repository, refs: refs.length > MOST_REFS ? [] : refs }
}

/** A branch or a tag with the characters that git allows in refs. */
function isRef(value: unknown): value is string {
  return typeof value === 'string' && /^refs\/(?:heads|tags)\/[^\s\p{C}~^:?*[\\]{1,250}$/u.test(value)
}

/** A name without spaces; credentials in front of a host are nobody's business. */
function nameOf(value: unknown): string[] {
  if (typeof value !== 'string' || !/^[^\s\p{C}]{1,1024}$/u.test(value)) return []
  return [value.replace(/^(https?:\/\/)[^/]*@/i, '$1')]
}

function parseObject(text: string): Payload {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Payload
  } catch (error) {
    throw new ModsteadError('bad_request', 'the body is not JSON', { next: CHECK_TYPE, cause: error })
  }
  throw new ModsteadError('bad_request', 'the body is not a JSON object', { next: CHECK_TYPE })
}

const CHECK_TYPE = 'check that the hook has the type of what sends it; docs/hooks.md has the shapes'

function objectOf(value: unknown): Payload {
  return typeof value === 'object' && value !== null ? (value as Payload) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value]
}
