import type { Registry } from '@prometheus-io/client'
import type { Counter, Logger, Observer } from './observer.ts'

/** A counter's figures: one cell for each set of label values. */
interface Series {
  name: string
  help: string
  labels: readonly string[]
  cells: Map<string, { values: readonly string[]; total: number }>
}

interface Reading {
  name: string
  help: string
  read: () => number | Promise<number>
}

/** How long a figure may take: a collector waits for all of them. Milliseconds. */
const PATIENCE = 1_000

/**
 * Counters and gauges in the text format of Prometheus. Counting is an addition to a plain number; the library, and
 * what it says of the process (memory, event loop, garbage collection, open files), comes in with the first `expose`.
 */
export function createMetrics(log: Pick<Logger, 'warn'>): Pick<Observer, 'counter' | 'gauge' | 'expose'> {
  const counters = new Map<string, Series>()
  const gauges = new Map<string, Reading>()
  let registry: Promise<Registry> | undefined

  async function createRegistry(): Promise<Registry> {
    const { collectDefaultMetrics, Registry } = await import('@prometheus-io/client')
    const created = new Registry()
    collectDefaultMetrics({ register: created })
    return created
  }

  return {
    counter(name, help, labels = []) {
      const known = counters.get(name)
      if (known && known.labels.join() !== labels.join())
        throw new TypeError(`counter ${name} has the labels ${known.labels.join()}, not ${labels.join()}`)
      const series = known ?? { name, help, labels: [...labels], cells: new Map() }
      counters.set(name, series)
      return handleOf(series)
    },
    gauge(name, help, read) {
      gauges.set(name, { name, help, read })
    },
    async expose() {
      registry ??= createRegistry()
      const target = await registry
      await register(target, counters.values(), gauges.values(), log)
      return { contentType: target.contentType, body: await target.metrics() }
    },
  }
}

function handleOf({ name, labels, cells }: Series): Counter {
  const count = labels.length
  if (count === 0 && cells.size === 0) cells.set('', { values: [], total: 0 })
  return {
    add(amount, ...values) {
      const key = count === 1 ? values[0]! : values.join('\u0000')
      const cell = cells.get(key)
      if (cell) cell.total += amount
      else if (values.length === count) cells.set(key, { values, total: amount })
      else throw new TypeError(`counter ${name} takes ${count} labels, not ${values.length}`)
    },
  }
}

/** Declares to the library what it does not know yet; it reads the figures itself at each collection. */
async function register(
  target: Registry,
  counters: Iterable<Series>,
  gauges: Iterable<Reading>,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  const { Counter, Gauge } = await import('@prometheus-io/client')
  for (const { name, help, labels, cells } of counters) {
    if (target.getSingleMetric(name)) continue
    const collect = function (this: InstanceType<typeof Counter>) {
      this.reset()
      for (const { values, total } of cells.values())
        this.inc(Object.fromEntries(labels.map((label, index) => [label, values[index]!])), total)
    }
    target.registerMetric(new Counter({ name, help, labelNames: [...labels], registers: [], collect }))
  }
  for (const gauge of gauges) {
    target.removeSingleMetric(gauge.name)
    const collect = async function (this: InstanceType<typeof Gauge>) {
      this.set(await readSafely(gauge, log))
    }
    target.registerMetric(new Gauge({ name: gauge.name, help: gauge.help, registers: [], collect }))
  }
}

/** One gauge that cannot be read must not cost all the others. */
async function readSafely({ name, read }: Reading, log: Pick<Logger, 'warn'>): Promise<number> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no figure within ${PATIENCE} ms`)), PATIENCE)
  try {
    return await Promise.race([read(), late.promise])
  } catch (error) {
    log.warn({ metric: name, error }, 'cannot read a metric')
    return Number.NaN
  } finally {
    clearTimeout(timer)
  }
}
