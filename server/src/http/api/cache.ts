import { isModulePath } from '@modstead/gomod/path'
import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import { described } from '../../access/principal.ts'
import { ModsteadError } from '../../errors.ts'
import type { ModuleProxy } from '../../proxy/module-proxy.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'

/** How long the origins may take for what is asked by hand. Milliseconds. */
const PATIENCE = 60_000

/**
 * Makes what may change of a module be asked for anew, now instead of when it would no longer be fresh. The list comes
 * back, so that it takes the right to read the module, too.
 */
export function refreshEndpoint(
  proxy: Pick<ModuleProxy, 'refresh' | 'serve'>,
  access: Pick<Access, 'decide'>,
): ApiEndpoint {
  return endpoint({
    method: 'POST',
    path: '/cache/refresh',
    needs: 'cache:manage',
    summary:
      'Asks the origins of a module for its versions now, and gives the list as it is then: takes `module:read` for it, too.',
    body: z.strictObject({ module: z.string({ error: 'is not the path of a module' }) }),
    gives: z.object({ module: z.string(), versions: z.array(z.string()) }),
    async answer({ body: { module }, principal, note }) {
      if (!isModulePath(module))
        throw new ModsteadError('bad_request', `${JSON.stringify(module)} is not the path of a module`, {
          next: 'write it as in an import, such as example.com/lib/v2',
        })
      note({ module })
      if (access.decide(principal, { permission: 'module:read', module }) !== 'allow')
        throw new ModsteadError('not_permitted', `${described(principal)} may not read ${module}`, {
          next: 'it takes the permission module:read for the module, since its list is given',
        })
      const signal = AbortSignal.timeout(PATIENCE)
      await proxy.refresh(module, signal)
      const { body } = await proxy.serve({ kind: 'list', module }, { signal, storedOnly: false, client: {} })
      if (body.kind !== 'bytes') throw new TypeError('a list is bytes')
      return {
        module,
        versions: body.bytes
          .toString()
          .split('\n')
          .filter((line) => line !== ''),
      }
    },
  })
}
