// A node:test reporter for scripts/test.ts: one JSON document with the counts of the run and what was not really run.
import type { TestEvent } from 'node:test/reporters'

export interface Outcome {
  /** Counts by the names that node gives them: `tests`, `passed`, `failed` … Empty where the run broke off. */
  counts: Record<string, number>
  /** `FILE: NAME (REASON)` of each test that was skipped or only planned. */
  skipped: string[]
}

// oxlint-disable-next-line import/no-default-export -- node loads reporters by their default export
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const outcome: Outcome = { counts: {}, skipped: [] }
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file === undefined) outcome.counts = { ...data.counts }
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const reason = data.skip ?? data.todo
    if (reason === undefined || reason === false) continue
    outcome.skipped.push(
      `${data.file ?? '?'}: ${data.name}${typeof reason === 'string' ? ` (${reason})` : ''}`,
    )
  }
  yield JSON.stringify(outcome)
}
