import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateKey } from '@modstead/gomod/note'
import { median, number, type Row } from '../figure.ts'
import type { LogLoad, LogLoadOptions } from '../log-load.ts'
import { runProgram } from '../pinned.ts'

const PROGRAM = fileURLToPath(new URL('../log-load.ts', import.meta.url))
const ROUNDS = 5
const SMALL = 10_000
/** Entries of one measurement of what an entry costs. */
const SAMPLE = 20_000

interface Scale {
  name: string
  title: string
  /** Entries that are added one after the other. */
  sustained: number
  /** Records of the log whose costs are held against those of a small one. */
  large: number
  optional?: true
}

/** Entries as fast as the log takes them, durable with their heads and the mark, and the same where it is large. */
function appendRow({ name, title, sustained, large, optional }: Scale): Row {
  return {
    name,
    title,
    ...(optional && { optional }),
    async run() {
      const folder = await mkdtemp(join(tmpdir(), 'modstead-log-'))
      const keys = generateKey('sum.bench.example')
      const measure = async (log: string, fill: number, count: number): Promise<LogLoad> => {
        const options: LogLoadOptions = { folder: join(folder, log), keys, fill, count }
        await mkdir(options.folder, { recursive: true })
        return JSON.parse(await runProgram([process.execPath, PROGRAM, JSON.stringify(options)])) as LogLoad
      }
      try {
        const whole = await measure('whole', 0, sustained)
        await measure('small', SMALL, 0)
        await measure('large', large, 0)
        const pairs: [small: LogLoad, large: LogLoad][] = []
        for (let round = -1; round < ROUNDS; round++) {
          const pair = [await measure('small', 0, SAMPLE), await measure('large', 0, SAMPLE)] as const
          if (round >= 0) pairs.push([...pair])
        }
        const ratio = (of: (load: LogLoad) => number) => median(pairs.map(([s, l]) => of(l) / of(s)))
        const all = (of: (load: LogLoad) => number) => median(pairs.map(([, l]) => of(l)))
        const larger = all(({ memory }) => memory) - median(pairs.map(([{ memory }]) => memory))
        const sizes = `${large} records against ${SMALL}`
        return [
          {
            name: `entries/s over ${sustained}`,
            value: whole.rate,
            unit: '',
            atLeast: 10_000,
            detail: `${number(whole.cpu)} µs of CPU each; answered in ${number(whole.median)} ms, p99 ${number(whole.p99)} ms, at 1024 clients`,
          },
          {
            name: 'CPU time of an entry, of a small log',
            value: ratio(({ cpu }) => cpu),
            unit: '',
            atLeast: 0.8,
            atMost: 1.2,
            detail: `${sizes}: ${number(all(({ cpu }) => cpu))} µs; by the clock ${number(1 / ratio(({ rate }) => rate))}`,
          },
          {
            name: `opening a log of ${large}`,
            value: all(({ opened }) => opened),
            unit: 'ms',
            atMost: 300,
            detail: `${number(all(({ openedCpu }) => openedCpu))} ms of CPU`,
          },
          { name: 'memory beyond that for a small log', value: larger / 2 ** 20, unit: 'MiB', atMost: 150 },
        ]
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

export const logAppend = appendRow({
  name: 'log-append',
  title: 'Entries added to the checksum log',
  sustained: 100_000,
  large: 300_000,
})

export const logAppendLong = appendRow({
  name: 'log-append-long',
  title: 'A million entries added to the checksum log, and one of three million',
  sustained: 1_000_000,
  large: 3_000_000,
  optional: true,
})
