import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from '../access/access.ts'
import type { Principal } from '../access/principal.ts'
import type { RequestAudit } from './audit-requests.ts'
import { isUnconditional } from './conditions.ts'
import type { Memory, MemoryEntry } from './memory.ts'
import { sendReady } from './ready.ts'
import type { RequestLimits } from './request-limits.ts'
import { placeOf } from './sender.ts'
import type { Traffic } from './traffic.ts'

export interface HotPathSite {
  /** Named in the log. */
  tenant?: string | undefined
  audit?: Pick<RequestAudit, 'mayAnswer' | 'hit'> | undefined
  limits?: Pick<RequestLimits, 'passes' | 'sent'>
}

/**
 * Makes the function that stands in front of everything else: it answers what memory holds and says whether it did.
 *
 * It runs for every request and decides how fast a warm modstead is. So it makes no promise, closure or object of its
 * own (but for clients too slow to take the answer at once), reads no clock but for answers that end and for limits, and counts in plain numbers.
 */
export function createHotPath(
  memory: Memory,
  traffic: Traffic,
  access: Pick<Access, 'reader'>,
  { tenant, audit, limits }: HotPathSite = {},
): (req: IncomingMessage, res: ServerResponse) => boolean {
  const { logsAll } = traffic
  const passes = limits?.passes

  function finishUnusual(
    entry: MemoryEntry,
    req: IncomingMessage,
    res: ServerResponse,
    reader: Principal,
  ): void {
    const bytes = sendReady(entry, req, res)
    memory.pin(entry, res, req.socket)
    traffic.countOther(entry.tally.kind, res.statusCode, bytes)
    if (passes !== undefined) limits?.sent(req, bytes)
    audit?.hit(req, res, entry, reader, bytes)
    if (logsAll) {
      const { kind } = entry.tally
      traffic.logHit(req, res, { kind, module: entry.facts.module, bytes, tenant })
    }
  }

  return function answerFromMemory(req, res) {
    const { method, headers } = req
    if (method !== 'GET' && method !== 'HEAD') return false
    const entry = memory.get(req.url!)
    if (entry === undefined || headers.host === undefined) return false
    const reader = access.reader(req, entry.facts.module)
    if (reader === undefined) return false
    if (audit !== undefined && !audit.mayAnswer()) return false
    const unusual = method === 'HEAD' || logsAll || !isUnconditional(headers)
    if (passes !== undefined && !passes(req, reader, unusual ? 0 : entry.facts.size)) return false
    memory.use(entry)
    // Whoever forbids fetching must not set off looking ahead either.
    if (entry.given !== undefined && headers['disable-module-fetch'] === undefined) entry.given(placeOf(req))
    if (unusual) {
      finishUnusual(entry, req, res, reader)
      return true
    }
    res.writeHead(200, entry.headers)
    res.end(entry.body, 'latin1')
    memory.pin(entry, res, req.socket)
    entry.tally.hits++
    entry.tally.bytes += entry.facts.size
    audit?.hit(req, res, entry, reader, entry.facts.size)
    return true
  }
}
