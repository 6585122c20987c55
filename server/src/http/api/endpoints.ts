import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import type { TokenRecords } from '../../access/tokens/access-tokens.ts'
import type { AccessConfig } from '../../config/access/access-config.ts'
import type { Config } from '../../config/config.ts'
import type { Logger } from '../../observe/observer.ts'
import type { Catalog } from '../../proxy/catalog.ts'
import type { ModuleProxy } from '../../proxy/module-proxy.ts'
import { accessEndpoints } from './access.ts'
import { actEndpoint } from './acts.ts'
import { configurationEndpoint } from './configuration.ts'
import { refreshEndpoint } from './cache.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'
import { type IncidentRecords, incidentEndpoints } from './incidents.ts'
import { openApiOf } from './openapi.ts'
import type { MappedProxy } from '../../proxy/version-map.ts'
import { promotionEndpoints } from './promotions.ts'
import { type SessionEndpointsOptions, sessionEndpoints } from './sessions.ts'
import { tokenEndpoints } from './tokens.ts'
import { whoamiEndpoint } from './whoami.ts'

/** What the API reads and changes of the catalog. */
export type ApiRecords = IncidentRecords &
  Pick<Catalog, 'acts'> &
  Pick<TokenRecords, 'token' | 'tokens' | 'addToken' | 'revokeToken'>

/** What of the configuration can be read there. */
export interface ApiSettings {
  tokens: Config['tokens']
  access?: Pick<AccessConfig, 'roles' | 'bindings' | 'admins' | 'groups'>
}

/** What is done with modules there; promotions where versions can be promoted. */
export type ApiProxy = Pick<ModuleProxy, 'refresh' | 'serve'> &
  Partial<Pick<MappedProxy, 'promote' | 'promotions'>>

export interface ApiEndpointsOptions {
  records: ApiRecords
  access: Pick<Access, 'decide'>
  config: ApiSettings
  /** Absent where nobody signs in. */
  sessions?: SessionEndpointsOptions['sessions']
  /** What the configuration says of the site, without secrets. */
  configuration?: (() => Record<string, unknown>) | undefined
  proxy: ApiProxy
  log: Logger
  /** The version of modstead. */
  version: string
}

const NO_GROUPS: AccessConfig['groups'] = new Map()

/** Everything at `/api/v1`, its own description included. */
export function apiEndpoints(options: ApiEndpointsOptions): ApiEndpoint[] {
  const { records, access, config, sessions, configuration, proxy, log, version } = options
  const endpoints: ApiEndpoint[] = [
    whoamiEndpoint(access, config.access),
    ...tokenEndpoints({ tokens: records, access, log }),
    ...(sessions === undefined ? [] : sessionEndpoints({ sessions, access, log })),
    ...accessEndpoints({
      access,
      settings: config.access,
      tokens: config.tokens,
      groups: config.access?.groups ?? NO_GROUPS,
    }),
    ...incidentEndpoints({ incidents: records, log }),
    ...(configuration === undefined ? [] : [configurationEndpoint(configuration)]),
    actEndpoint(records),
    refreshEndpoint(proxy, access),
    ...(canPromote(proxy) ? promotionEndpoints(proxy, access) : []),
    endpoint({
      method: 'GET',
      path: '/openapi.json',
      needs: 'anybody',
      summary: 'This description.',
      gives: z.record(z.string(), z.unknown()),
      answer: () => openApiOf({ endpoints, version }),
    }),
  ]
  return endpoints
}

function canPromote(proxy: ApiProxy): proxy is ApiProxy & Pick<MappedProxy, 'promote' | 'promotions'> {
  return proxy.promote !== undefined && proxy.promotions !== undefined
}
