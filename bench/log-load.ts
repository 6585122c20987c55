/**
 * `node log-load.ts '{"folder":"/x","keys":{…},"fill":0,"count":10000}'`: adds entries to a checksum log as fast as it
 * takes them, and prints what that cost as JSON. With `fill`, it makes a log of that size without waiting for the disk.
 */
import { parseSignerKey, signNote } from '@modstead/gomod/note'
import { formatSumRecord } from '@modstead/gomod/sumdb/lookup'
import { emptyTreeHash, recordHash } from '@modstead/gomod/tlog/hash'
import { formatTree } from '@modstead/gomod/tlog/record'
import { createTileEdge } from '@modstead/gomod/tlog/tile-appender'
import { createLogWriter, openLogForWriting } from '../server/src/catalog/log-database.ts'
import { openHighWaterFile } from '../server/src/store/high-water-file.ts'
import { type LogEntry, TILE_HEIGHT } from '../server/src/sumdb/log/storage.ts'
import { type LogKeys, logFiles, openOwnLog } from '../test/support/own-log.ts'

export interface LogLoadOptions {
  folder: string
  keys: LogKeys
  /** Records that a new log is to have, in an empty folder; 0: it is as it is. */
  fill: number
  /** Entries to add then. */
  count: number
}

export interface LogLoad {
  /** Milliseconds that opening the log took, and of how many of these a CPU worked. */
  opened: number
  openedCpu: number
  /** Entries per second. */
  rate: number
  /** Microseconds of CPU per entry, of all threads. */
  cpu: number
  /** Milliseconds from asking to the answer: the median and the slowest of a hundred. */
  median: number
  p99: number
  /** Bytes that the process holds at the end. */
  memory: number
}

/** Clients that wait for an answer at any time. */
const CLIENTS = 1_024
const FILL_AT_ONCE = 65_536
const H1 = `h1:${Buffer.alloc(32, 7).toString('base64')}`

console.log(JSON.stringify(await load(JSON.parse(process.argv[2]!) as LogLoadOptions)))

async function load({ folder, keys, fill, count }: LogLoadOptions): Promise<LogLoad> {
  if (fill > 0) await fillLog(folder, keys, fill)
  const opening = performance.now()
  const idle = process.cpuUsage()
  const { log, close } = await openOwnLog(folder, keys)
  const opened = performance.now() - opening
  const openedCpu = microseconds(idle) / 1000
  let next = log.head().size
  const end = next + count
  const times: number[] = []
  const client = async (): Promise<void> => {
    while (next < end) {
      const asked = performance.now()
      await log.append(entryOf(next++))
      times.push(performance.now() - asked)
    }
  }
  const before = process.cpuUsage()
  const started = performance.now()
  await Promise.all(Array.from({ length: CLIENTS }, client))
  const took = performance.now() - started
  const cpu = microseconds(before) / count
  const memory = process.memoryUsage().rss
  await close()
  times.sort((a, b) => a - b)
  return {
    opened,
    openedCpu,
    rate: (count / took) * 1000,
    cpu,
    median: times[times.length >> 1] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    memory,
  }
}

function microseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return user + system
}

function entryOf(n: number): LogEntry {
  const [module, version] = [`corp.example/team-${n % 97}/module-${n}`, 'v1.2.3']
  return { module, version, record: formatSumRecord(module, version, H1, H1) }
}

/** With the log's own writer and rules, in large steps; the disk may take its time. */
async function fillLog(folder: string, keys: LogKeys, size: number): Promise<void> {
  const { database: path, mark } = logFiles(folder)
  const database = openLogForWriting(path)
  database.exec('pragma synchronous = off')
  const write = createLogWriter(database)
  const signer = parseSignerKey(keys.skey)
  let edge = createTileEdge(TILE_HEIGHT, { size: 0, hash: emptyTreeHash() }, [])
  let note = signNote(formatTree(edge.tree), [signer])
  for (let from = 0; from < size; from = edge.tree.size) {
    const entries = Array.from({ length: Math.min(FILL_AT_ONCE, size - from) }, (_, i) => entryOf(from + i))
    const { edge: grown, tiles } = edge.grow(entries.map(({ record }) => recordHash(record)))
    note = signNote(formatTree(grown.tree), [signer])
    const head = { size: grown.tree.size, root: grown.tree.hash, note }
    const rows = tiles.map(({ tile, data }) => ({ level: tile.level, index: tile.index, data }))
    const root = edge.tree.hash
    write({ kind: 'append', batch: { size: from, root, at: Date.now(), entries, tiles: rows, head } })
    edge = grown
  }
  database.exec('pragma wal_checkpoint(truncate)')
  database.close()
  await openHighWaterFile(mark).write(note)
}
