import type { DegradedMarks } from '../config/limits/limits-config.ts'
import { formatDuration, formatSize } from '../config/units.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'

/** How this server is, in the units of the marks. */
export type Load = Required<DegradedMarks>

/** Looks at this server. */
export interface Monitor {
  /** How it is now. What takes a while to be told counts from the last call on. */
  read(): Load
  close(): void
}

/**
 * Whether this server has more to do than it can. Then nothing new is fetched, so that what is stored is served: a
 * server that fetches until it falls over serves nobody.
 */
export interface DegradedMode {
  readonly on: boolean
  /** What a fetch is refused with while it is on. */
  refusal(): ModsteadError | undefined
  /** Sentences for whoever runs this server. */
  warnings(): readonly string[]
  /** Switches it on or off by hand; `undefined` leaves it to the marks again. */
  force(state: 'on' | 'off' | undefined): void
  close(): void
}

export interface DegradedModeOptions {
  /** Absent: only by hand. */
  marks: DegradedMarks | undefined
  monitor: Monitor | undefined
  observer: Observer
  now?: () => number
}

/** How often it is looked. Milliseconds. */
const LOOK = 1_000
/** It ends when everything has been below this part of its mark for so long. */
const BELOW = 0.8
const CALM = 10_000

const MEASURES = ['eventLoop', 'memory', 'requestTime'] as const
const WORDS = {
  eventLoop: 'its event loop is late',
  memory: 'its memory is full',
  requestTime: 'its answers take too long',
} as const

export function createDegradedMode(options: DegradedModeOptions): DegradedMode {
  const { marks = {}, monitor, observer, now = () => performance.now() } = options
  let reasons: readonly (typeof MEASURES)[number][] = []
  let on = false
  let forced: 'on' | 'off' | undefined
  /** Since when everything is below. */
  let calm: number | undefined
  const timer = monitor && setInterval(look, LOOK)
  timer?.unref()

  observer.gauge(
    'modstead_degraded',
    'Whether nothing is fetched because there is too much to do: 0 or 1.',
    () => (isOn() ? 1 : 0),
  )

  function isOn(): boolean {
    return forced === undefined ? on : forced === 'on'
  }

  function look(): void {
    const load = monitor!.read()
    const beyond = MEASURES.filter((measure) => load[measure] > (marks[measure] ?? Infinity))
    const below = MEASURES.every((measure) => load[measure] < BELOW * (marks[measure] ?? Infinity))
    if (beyond.length > 0) reasons = beyond
    if (!below) calm = undefined
    else calm ??= now()
    if (!on && beyond.length > 0) {
      on = true
      observer.log.warn(
        shown(load, marks),
        `degraded: ${because()}; nothing new is fetched, what is stored is served`,
      )
    } else if (on && calm !== undefined && now() - calm >= CALM) {
      on = false
      observer.log.info(shown(load, marks), 'no longer degraded: what is not stored is fetched again')
    }
  }

  function because(): string {
    if (forced === 'on') return 'it was switched so by hand'
    return reasons.map((measure) => WORDS[measure]).join(' and ')
  }

  return {
    get on() {
      return isOn()
    },
    refusal() {
      if (!isOn()) return undefined
      return new ModsteadError(
        'overloaded',
        `this server fetches nothing new now (${because()}); it serves what it has stored`,
        {
          next: 'ask again in half a minute; who runs it finds the marks in limits.degraded',
          retryAfter: 30,
        },
      )
    },
    warnings: () =>
      isOn() ? [`degraded: ${because()}; nothing new is fetched, what is stored is served`] : [],
    force(state) {
      const before = isOn()
      forced = state
      if (isOn() === before) return
      const what = state === undefined ? 'is left to its marks again' : 'was switched by hand'
      observer.log.warn({ degraded: isOn() }, `degraded mode ${what}, and is ${isOn() ? 'on' : 'off'}`)
    },
    close() {
      clearInterval(timer)
      monitor?.close()
    },
  }
}

/** For the log: what was found, and the marks. */
function shown(load: Load, marks: DegradedMarks): Record<string, string> {
  const write = { eventLoop: formatDuration, memory: formatSize, requestTime: formatDuration }
  return Object.fromEntries(
    MEASURES.flatMap((measure) => {
      const mark = marks[measure]
      const found = write[measure](Math.round(load[measure]))
      return mark === undefined ? [] : [[measure, `${found} of ${write[measure](mark)}`]]
    }),
  )
}
