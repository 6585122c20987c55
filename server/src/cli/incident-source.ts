import { Readable } from 'node:stream'
import { openCatalogBeside } from '../catalog/catalog-beside.ts'
import type { Config } from '../config/config.ts'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import {
  incidentJson,
  incidentPage,
  type IncidentJson,
  type IncidentPage,
} from '../http/api/incident-json.ts'
import type { IncidentRow, IncidentsOptions } from '../proxy/catalog.ts'
import { catalogIn } from '../store/data-folder.ts'
import { recordAct } from './audit/leave.ts'
import type { CommandContext } from './context.ts'
import { readConfig } from './read-config.ts'
import { askRemote, type RemoteFlags, type RemoteRequest } from './remote.ts'

/** Where the commands find incidents: a modstead that they ask, or a data folder on this machine. */
export interface IncidentSource {
  list(options: IncidentsOptions): Promise<IncidentPage>
  /** Throws `not_found`, or `upstream_refused` with the words of the server. */
  show(id: string): Promise<IncidentJson>
  /** The incident as it is then: the first remark holds. Throws as `show` does. */
  acknowledge(id: string, note: string): Promise<IncidentJson>
  /** Who acknowledges, where that is known here. */
  who?: string
}

/**
 * The modstead that `--to` names, or else the data folder of the configuration, whether a server runs on it or not.
 * Throws `config_invalid` for flags that contradict each other and for a bad configuration.
 */
export async function incidentSource(
  remote: Partial<RemoteFlags>,
  flags: Flags,
  context: CommandContext,
): Promise<IncidentSource> {
  const { to, tokenFile } = remote
  const local = flags.config !== undefined || flags.dataDir !== undefined
  if (to !== undefined) {
    if (!local) return overHttp({ ...remote, to }, context)
    throw new ModsteadError(
      'config_invalid',
      '--to names a server, and --config or --data-dir a folder here',
      {
        next: 'leave one of them out',
      },
    )
  }
  if (tokenFile !== undefined)
    throw new ModsteadError('config_invalid', '--token-file is for a server that --to names', {
      next: 'add --to https://go.corp.example, or leave it out: a data folder here needs no token',
    })
  const { config } = await readConfig(context, flags)
  return inFolder(config, context)
}

function inFolder(config: Config, context: CommandContext): IncidentSource {
  const { dataDir } = config
  const who = `user ${context.user}`
  const beside = openCatalogBeside(catalogIn(dataDir))
  const found = (row: IncidentRow | undefined, id: string): IncidentJson => {
    if (row !== undefined) return incidentJson(row)
    throw new ModsteadError('not_found', `there is no incident ${id} in ${dataDir}`, {
      next: 'modstead incidents list shows those that are there',
    })
  }
  return {
    who,
    list: async ({ limit, ...rest }) => incidentPage(beside.incidents({ ...rest, limit: limit + 1 }), limit),
    show: async (id) => found(beside.incident(id), id),
    async acknowledge(id, note) {
      const row = found(beside.acknowledge(id, { who, note }), id)
      await recordAct(config, context, {
        action: 'incident.acknowledge',
        detail: `${id} ${note}`.slice(0, 300),
      })
      return row
    },
  }
}

function overHttp(flags: RemoteFlags, context: CommandContext): IncidentSource {
  async function ask<Answer extends IncidentPage | IncidentJson>(
    path: string,
    field: keyof Answer & string,
    request: Pick<RemoteRequest, 'method' | 'body' | 'headers'> = { method: 'GET', headers: {} },
  ): Promise<Answer> {
    const text = await askRemote(flags, { ...request, path: `/api/v1/incidents${path}` }, context)
    const answer = parse(text)
    if (typeof answer === 'object' && answer !== null && field in answer) return answer as Answer
    throw new ModsteadError('upstream_invalid', `what is at ${flags.to} did not answer with incidents`, {
      next: 'check the address in --to, and that a modstead as new as this one runs there',
    })
  }

  return {
    list({ limit, before, open }) {
      const query = new URLSearchParams({ limit: String(limit) })
      if (before !== undefined) query.set('before', before)
      if (open !== undefined) query.set('open', String(open))
      return ask<IncidentPage>(`?${query.toString()}`, 'incidents')
    },
    show: (id) => ask<IncidentJson>(`/${id}`, 'id'),
    acknowledge(id, note) {
      const body = Buffer.from(JSON.stringify({ note }))
      return ask<IncidentJson>(`/${id}/ack`, 'id', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: { size: body.length, open: () => Readable.from([body]) },
      })
    },
  }
}

/** `undefined` for what is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
