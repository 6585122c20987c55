import { z } from 'zod'
import { parseSubject } from '../access/access.ts'
import type { Subject } from '../access/access-config.ts'
import type { Network } from '../config.ts'
import { type BuildContext, complain, shown } from '../context.ts'
import { count, duration, rate, size, texts } from '../fields.ts'
import { formatNetwork, parseNetwork } from '../trusted-proxies.ts'
import { formatDuration, formatSize } from '../units.ts'
import { formatSubject } from '../access/show-access.ts'
import { CLASSES, type LimitsConfig, type Rate, type Rates } from './limits-config.ts'

const TIB = 2 ** 40
const EXEMPT = 'a subject such as service:ci or group:platform, an address or a network'

const rates = (of: string) =>
  z
    .strictObject({
      requests: rate('count').optional().describe('Requests, those from memory included.'),
      bytes: rate('size').optional().describe('Bytes of the bodies of answers.'),
      cold: rate('count')
        .optional()
        .describe('Fetches of what is not stored here, from an origin or a checksum database.'),
    })
    .prefault({})
    .describe(of)

export const limitsSchema = z.strictObject({
  principal: rates('Each user, token or workload. Default: no limit.'),
  anonymous: rates(
    'Each address, for requests without a credential that proves somebody. Default: no limit.',
  ),
  address: rates('Each address, whoever asks from there. Default: no limit.'),
  tenant: rates('All clients of a tenant together; without tenants, all clients. Default: no limit.'),
  exempt: texts(EXEMPT)
    .optional()
    .describe(
      'Whom the limits above do not hold for: subjects as in `access.bindings`, addresses and networks. Default: nobody.',
    ),
  queue: duration({ min: 0, max: 120_000, wording: ' (2m at most)' })
    .prefault('30s')
    .describe(
      'How long a request that is too much waits for its turn; then it is refused with 429, for `go` asks only once.',
    ),
  concurrentCold: z
    .strictObject({
      client: count({ min: 1, max: 10_000 }).prefault(48).describe('For one client.'),
      all: count({ min: 1, max: 100_000 }).prefault(256).describe('For all clients together.'),
    })
    .prefault({})
    .describe(
      'Fetches of what is not stored at the same time. Others wait; a quarter of the room is kept for clients that have nothing of it.',
    ),
  degraded: z
    .strictObject({
      eventLoop: duration()
        .optional()
        .describe('How late the event loop is, in the slowest of a hundred turns within some seconds.'),
      memory: size({ max: TIB, upTo: '1TiB' })
        .optional()
        .describe('Memory of the process, as the system counts it (RSS).'),
      requestTime: duration()
        .optional()
        .describe('Time until the answer begins, for half of those that do not come from memory.'),
    })
    .optional()
    .describe(
      'Marks beyond which nothing new is fetched, and what is stored is served, until all are below 80 % of theirs for ten seconds. Default: none.',
    ),
})

type FileLimits = z.output<typeof limitsSchema>

/** `limits` of the file with its subjects read. */
export function buildLimits(context: BuildContext, file: FileLimits): LimitsConfig {
  const subjects: Subject[] = []
  const networks: Network[] = []
  for (const [index, text] of (file.exempt ?? []).entries()) {
    const at = ['limits', 'exempt', index]
    const network = parseNetwork(text)
    const subject = network === undefined ? parseSubject(text) : undefined
    if (network !== undefined) networks.push(network)
    else if (subject === undefined)
      complain(context, at, `expected ${EXEMPT}, found ${shown(context, at, text)}`)
    else subjects.push(subject)
  }
  const { queue, concurrentCold } = file
  if (concurrentCold.client > concurrentCold.all)
    complain(
      context,
      ['limits', 'concurrentCold', 'client'],
      `is more than all clients may have together (${concurrentCold.all})`,
    )
  const { eventLoop, memory, requestTime } = file.degraded ?? {}
  const degraded = {
    ...(eventLoop !== undefined && { eventLoop }),
    ...(memory !== undefined && { memory }),
    ...(requestTime !== undefined && { requestTime }),
  }
  return {
    principal: given(file.principal),
    anonymous: given(file.anonymous),
    address: given(file.address),
    tenant: given(file.tenant),
    exempt: { subjects, networks },
    queue,
    concurrentCold,
    ...(Object.keys(degraded).length > 0 && { degraded }),
  }
}

function given({ requests, bytes, cold }: { [K in keyof Rates]?: Rate | undefined }): Rates {
  return { ...(requests && { requests }), ...(bytes && { bytes }), ...(cold && { cold }) }
}

/** As a file would say it. */
export function describeLimits(limits: LimitsConfig): Record<string, unknown> {
  const { exempt, queue, concurrentCold, degraded } = limits
  const classes = CLASSES.map((name) => [name, describeRates(limits[name])] as const)
  const exempted = [...exempt.subjects.map(formatSubject), ...exempt.networks.map(formatNetwork)]
  const { eventLoop, memory, requestTime } = degraded ?? {}
  return {
    ...Object.fromEntries(classes.filter(([, shown]) => Object.keys(shown).length > 0)),
    ...(exempted.length > 0 && { exempt: exempted }),
    queue: formatDuration(queue),
    concurrentCold: { ...concurrentCold },
    ...(degraded && {
      degraded: {
        ...(eventLoop !== undefined && { eventLoop: formatDuration(eventLoop) }),
        ...(memory !== undefined && { memory: formatSize(memory) }),
        ...(requestTime !== undefined && { requestTime: formatDuration(requestTime) }),
      },
    }),
  }
}

function describeRates({ requests, bytes, cold }: Rates): Record<string, string> {
  return {
    ...(requests && { requests: formatRate(requests, 'requests') }),
    ...(bytes && { bytes: formatRate(bytes, 'bytes') }),
    ...(cold && { cold: formatRate(cold, 'cold') }),
  }
}

/** `6000/1m`, as the configuration has it. */
export function formatRate({ amount, window }: Rate, measure: keyof Rates): string {
  return `${measure === 'bytes' ? formatSize(amount) : amount}/${formatDuration(window)}`
}
