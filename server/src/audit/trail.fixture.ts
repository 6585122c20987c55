import type { AuditFacts } from './event.ts'
import type { AuditTrail } from './trail.ts'

/** A trail that keeps nothing but what it was told. */
export function createTestTrail(): AuditTrail & { events: AuditFacts[] } {
  const events: AuditFacts[] = []
  return {
    events,
    blocked: false,
    blockedBy: () => undefined,
    noteRefused: () => undefined,
    newId: () => 'id',
    mask: (name) => name,
    record: (facts) => void events.push(facts),
    recordParts: () => undefined,
    warnings: () => [],
    flush: async () => undefined,
    close: async () => undefined,
  }
}
