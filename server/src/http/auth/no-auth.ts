import { ModsteadError } from '../../errors.ts'
import type { Action } from '../action.ts'
import { authEndpoint } from './auth.ts'
import { oauthRefusal } from './oauth-errors.ts'

/** In place of the endpoints for programs that sign in, where nobody can: says so, in a form that they read. */
export function createNoAuth(prefix: string): Action {
  return {
    kind: 'auth',
    takes: (req) => authEndpoint(req, prefix) !== undefined,
    refusalFor: oauthRefusal,
    answer: async () => {
      throw new ModsteadError('no_endpoint', 'this server signs nobody in: access is not configured', {
        next: 'go needs no credentials here; who runs the server finds how to change that in docs/access.md',
      })
    },
  }
}
