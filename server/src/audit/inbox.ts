/**
 * How commands that change something beside a running server have it recorded: the log has one writer, so they leave
 * the event in a folder, and the server takes it within a second, or at its next start.
 */
import { z } from 'zod'
import { type AuditFacts, auditEventSchema } from './event.ts'
import type { AuditFiles } from './files.ts'

const leftSchema = auditEventSchema
  .pick({ request_id: true, user_principal: true, principal_kind: true, action: true, detail: true })
  .extend({
    done: z.iso.datetime(),
    module: auditEventSchema.shape.module.optional(),
    version: auditEventSchema.shape.version.optional(),
    tenant: auditEventSchema.shape.tenant.optional(),
  })

/** What a command did, and who did it: the user of this machine. */
export interface LeftAct {
  action: string
  detail: string
  user: string
  /** What it was about, where that is a version. */
  module?: string
  version?: string
  /** Whose site it was. */
  tenant?: string
}

/** `id` is a new ULID. */
export async function leaveAct(
  files: Pick<AuditFiles, 'leave'>,
  { user, ...act }: LeftAct,
  id: string,
): Promise<void> {
  const left: z.input<typeof leftSchema> = {
    request_id: id,
    user_principal: user,
    principal_kind: 'user',
    ...act,
    done: new Date().toISOString(),
  }
  await files.leave(id, JSON.stringify(left))
}

/** `undefined` for what no command of ours has left. The event says when it was done, which may be long ago. */
export function parseLeft(text: string): AuditFacts | undefined {
  const { data } = leftSchema.safeParse(jsonIn(text))
  if (data === undefined) return undefined
  const { done, detail, module = '', version = '', tenant = '', ...facts } = data
  return {
    event_type: 'admin',
    auth_result: 'ok',
    kind: 'command',
    module,
    version,
    tenant,
    detail: `${detail}${detail === '' ? '' : '; '}done ${done}`.slice(0, 400),
    ...facts,
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
