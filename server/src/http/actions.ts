import type { IncomingMessage } from 'node:http'
import type { Access } from '../access/access.ts'
import type { SignInDesk } from '../access/browser/sign-in.ts'
import type { AccessConfig } from '../config/access/access-config.ts'
import type { Config } from '../config/config.ts'
import type { Observer } from '../observe/observer.ts'
import type { ModuleProxy } from '../proxy/module-proxy.ts'
import type { Action } from './action.ts'
import { createActs } from './acts.ts'
import { createApi } from './api/api.ts'
import { type ApiProxy, type ApiRecords, type ApiSettings, apiEndpoints } from './api/endpoints.ts'
import { type AuthOptions, createAuth } from './auth/auth.ts'
import { createBackchannelLogout } from './auth/backchannel-logout.ts'
import { createBrowserDoor } from './auth/browser-door.ts'
import { createNoAuth } from './auth/no-auth.ts'
import { createAuthPages } from './auth/pages/pages.ts'
import { createHooks } from './hooks.ts'
import { type AuditedLog, createLogAnswers } from './log-answers.ts'
import type { PushReceiver } from './push-hint.ts'

/** What the endpoints of a site that stand in front of the router are made of. */
export interface ActionsOptions {
  config: Pick<Config, 'pathPrefix' | 'hooks'> &
    ApiSettings & { access?: Partial<Pick<AccessConfig, 'lockout'>> }
  proxy: ApiProxy & Pick<ModuleProxy, 'acts'>
  /** What signs in; absent: nobody does. */
  issued?: AuthOptions['issued']
  /** Where people sign in with a browser; absent: nobody does. */
  desk?: SignInDesk
  /** A log of our own. */
  log?: AuditedLog
  records: ApiRecords
  /** What the configuration says of it, without secrets: for the administrative API. */
  configuration?: () => Record<string, unknown>
  /** Hears of pushes. */
  pushes: PushReceiver
}

export interface ActionsSurroundings {
  access: Access
  /** The name of the tenant; absent for the site that is nobody's in particular. */
  tenant?: string
  observer: Observer
  /** The version of modstead. */
  version: string
  /** The address for GOPROXY under which a request reached this site. */
  addressFor: (req: IncomingMessage) => string
}

/** Makes them: hooks, signing in, the log, the administrative API, and what publishes and deletes. The first that takes a request has it. */
export function createActions(
  options: ActionsOptions,
  { access, tenant, observer, version, addressFor }: ActionsSurroundings,
): readonly Action[] {
  const { config, proxy, desk } = options
  const prefix = config.pathPrefix
  const countAddresses = config.access?.lockout?.addresses ?? true
  const door = desk && createBrowserDoor({ desk, addressFor, scope: tenant ?? '' })
  return [
    createHooks({ hooks: config.hooks, prefix, receiver: options.pushes, observer }),
    ...(options.issued === undefined
      ? [createNoAuth(prefix)]
      : [
          createAuth({
            access,
            issued: options.issued,
            tokens: options.records,
            observer,
            prefix,
            addressFor,
            countAddresses,
          }),
        ]),
    ...(desk === undefined || door === undefined
      ? []
      : [
          createAuthPages({ desk, door, prefix, observer, countAddresses }),
          createBackchannelLogout({ desk, prefix, observer, countAddresses }),
        ]),
    ...(options.log === undefined ? [] : [createLogAnswers({ log: options.log, access, prefix })]),
    createApi({
      endpoints: apiEndpoints({
        records: options.records,
        access,
        config,
        configuration: options.configuration,
        ...(options.issued && { sessions: options.issued.sessions }),
        proxy,
        log: observer.log,
        version,
      }),
      access,
      prefix,
      ...(door && { browser: door.principal }),
    }),
    ...createActs({ acts: proxy.acts, access, prefix, addressFor }),
  ]
}
