/** What the tests of several rooms share. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { hashGoMod } from '@modstead/gomod/dirhash'
import type { Observer } from './observer.ts'

/** A temporary folder that is deleted after the test. */
export async function temporaryFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'modstead-unit-'))
  // What still ends may write meanwhile.
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))
  return path
}

export interface TestObserver extends Observer {
  lines: { level: string; message: string; fields: Record<string, unknown> }[]
  /** Counts by name and labels: `modstead_incidents_total zip`. */
  counts: Map<string, number>
  gauges: Map<string, () => number>
}

/** An observer that remembers log lines, counts and gauges. */
export function createTestObserver(): TestObserver {
  const lines: TestObserver['lines'] = []
  const counts = new Map<string, number>()
  const gauges = new Map<string, () => number>()
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } })
  return {
    lines,
    counts,
    gauges,
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    counter: (name) => ({
      add(amount, ...labels) {
        const key = [name, ...labels].join(' ')
        counts.set(key, (counts.get(key) ?? 0) + amount)
      },
    }),
    gauge: (name, _, read) => void gauges.set(name, read as () => number),
    expose: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'metrics\n' }),
  }
}

/** Some dirhash, the same for the same text. */
export function someHash(text: string): string {
  return hashGoMod(Buffer.from(text))
}

/** Waits until `condition` holds; fails after five seconds. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 5_000; !condition();) {
    assert.ok(Date.now() < end, `it never came to pass that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
