import { join } from 'node:path'
import { z } from 'zod'
import { absolutePath, type BuildContext, complain } from '../context.ts'
import { age, choice, duration, path, size, text } from '../fields.ts'
import type { KeyPath } from '../problems.ts'
import { formatDuration, formatSize, mapValues } from '../units.ts'
import type { AuditConfig } from './audit-config.ts'
import { buildSink, describeSink, sinkSchema } from './sinks.ts'

const TIB = 2 ** 40

export const auditSchema = z.strictObject({
  downloads: text('"all", "none", or a share such as 10%', 'all, none or share')
    .prefault('all')
    .describe(
      'Which reads are recorded: `all`, `none`, or a share of them such as `10%`. What is refused, published, deleted or administered always is.',
    ),
  mask: choice(['none', 'partial', 'hash'])
    .prefault('none')
    .describe(
      'How names stand in the log: as they are (`none`), only begun (`u***@corp.example`), or as a keyed hash.',
    ),
  folder: path('a folder').optional().describe('Where it is kept. Default: `audit` in the data folder.'),
  rotate: z
    .strictObject({
      size: size({ min: 64 << 10, max: 2 ** 30, upTo: '1GiB (at least 64KiB)' })
        .prefault('64MiB')
        .describe('Size at which a file is closed.'),
      age: duration({ min: 1000 }).prefault('1d').describe('Age at which it is.'),
    })
    .prefault({})
    .describe('When a file of the log is closed and the next begun.'),
  keep: age()
    .prefault('365d')
    .describe('How long closed files are kept at least; then they are deleted once all sinks have them.'),
  disk: size({ min: 1 << 20, max: TIB, upTo: '1TiB (at least 1MiB)' })
    .prefault('10GiB')
    .describe('What the log may take on disk, all together.'),
  onFull: choice(['block', 'drop'])
    .prefault('block')
    .describe(
      'What happens when nothing more can be recorded: requests that would have to be are refused with 503 (`block`), or go on unrecorded, which is counted and told (`drop`).',
    ),
  sync: duration({ min: 10, max: 60_000, wording: ' (10ms to 1m)' })
    .prefault('1s')
    .describe('How often what was recorded is synced to the disk.'),
  sinks: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), sinkSchema)
    .optional()
    .describe('Where events are sent besides, by a name of your choice.'),
})
export type FileAudit = z.output<typeof auditSchema>

/** `audit` of the file with its references followed. */
export async function buildAudit(
  context: BuildContext,
  file: FileAudit | undefined,
  dataDir: string,
): Promise<AuditConfig | undefined> {
  if (file === undefined) return undefined
  const at: KeyPath = ['audit']
  const share = shareOf(file.downloads)
  if (share === undefined)
    complain(context, [...at, 'downloads'], 'expected "all", "none", or a share from 0.01% to 100%')
  const { mask, rotate, keep, disk, onFull, sync } = file
  if (disk < 2 * rotate.size)
    complain(
      context,
      [...at, 'disk'],
      `expected twice as much as rotate.size, ${formatSize(rotate.size)}, or more`,
    )
  const sinks = Object.entries(file.sinks ?? {}).map(([name, sink]) =>
    buildSink(context, [...at, 'sinks', name], name, sink),
  )
  return {
    downloads: share ?? 1,
    mask,
    folder:
      file.folder === undefined
        ? join(dataDir, 'audit')
        : absolutePath(context, [...at, 'folder'], file.folder),
    rotate,
    keep,
    disk,
    onFull,
    sync,
    sinks: (await Promise.all(sinks)).filter((sink) => sink !== undefined),
  }
}

/** `undefined` for anything else than `all`, `none` or a percentage. */
function shareOf(text: string): number | undefined {
  if (text === 'all') return 1
  if (text === 'none') return 0
  const [, percent] = /^(\d{1,3}(?:\.\d{1,2})?) ?%$/.exec(text) ?? []
  const share = Number(percent) / 100
  return share > 0 && share <= 1 ? share : undefined
}

/** `audit` as a file would say it. */
export function describeAudit(audit: AuditConfig): Record<string, unknown> {
  const { downloads, mask, folder, rotate, keep, disk, onFull, sync, sinks } = audit
  return {
    downloads:
      downloads === 1 ? 'all' : downloads === 0 ? 'none' : `${Math.round(downloads * 10_000) / 100}%`,
    mask,
    folder,
    rotate: { size: formatSize(rotate.size), age: formatDuration(rotate.age) },
    ...mapValues({ keep }, formatDuration),
    disk: formatSize(disk),
    onFull,
    sync: formatDuration(sync),
    ...(sinks.length > 0 && { sinks: Object.fromEntries(sinks.map(describeSink)) }),
  }
}
