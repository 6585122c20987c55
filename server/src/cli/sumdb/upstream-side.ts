import { equalHash } from '@modstead/gomod/dirhash'
import { ModsteadError } from '../../errors.ts'
import { createObserver } from '../../observe/create-observer.ts'
import type { Finding } from '../../sumdb/log/finding.ts'
import type { RecordedVersion } from '../../sumdb/log/verify-log.ts'
import type { CommandContext } from '../context.ts'
import type { LocalLog } from './local-log.ts'
import type { ComparedSide } from './verify.ts'

/** Records asked for at the same time. */
const AT_ONCE = 16

/**
 * `--upstream`: the records that the configured checksum databases have of the versions that they are asked about. Names
 * under private patterns are not asked about. Throws `config_invalid` where the configuration cannot be read.
 */
export async function openUpstreamSide({ config }: LocalLog, context: CommandContext): Promise<ComparedSide> {
  if (config === undefined)
    throw new ModsteadError('config_invalid', '--upstream needs the configuration: it says what is private', {
      next: 'name it with --config, as a user who may read all of it',
    })
  const { stderr } = context
  const observer = createObserver(
    { ...config.log, level: 'error' },
    { stdout: stderr, isTTY: stderr.isTTY === true },
  )
  const { openUpstream } = await context.loadUpstream()
  const upstream = await openUpstream({ config, observer, env: context.env })
  const counts = { compared: 0, ours: 0 }

  async function compareOne(version: RecordedVersion): Promise<Finding[]> {
    const { id, module } = version
    const name = `record ${id}: ${module}@${version.version}`
    const wrong = (problem: string): Finding => ({ what: 'upstream', name, problem })
    try {
      const theirs = await upstream.hashes(module, version.version)
      if (theirs === undefined) {
        counts.ours++
        return []
      }
      counts.compared++
      const { database } = theirs
      return (['h1', 'goModH1'] as const).flatMap((kind) => {
        if (equalHash(theirs[kind], version[kind])) return []
        const file = kind === 'h1' ? 'zip' : 'go.mod'
        return [
          wrong(`${database} has the hash ${theirs[kind]} of its ${file}, and the log ${version[kind]}`),
        ]
      })
    } catch (error) {
      // That it could not be asked is no finding, and then there is no saying what the others are.
      if (!(error instanceof ModsteadError) || error.code === 'checksum_unavailable') throw error
      return [wrong(error.message)]
    }
  }

  return {
    async *compare(versions) {
      for (let first = 0; first < versions.length; first += AT_ONCE)
        yield* (await Promise.all(versions.slice(first, first + AT_ONCE).map(compareOne))).flat()
    },
    summary() {
      const kept = upstream.kept()
      const how = kept === 0 ? '' : ` (${kept} with what the mirror here keeps, verified anew)`
      return `${counts.compared} compared with other databases${how}, ${counts.ours} that none is asked about`
    },
    close: () => upstream.close(),
  }
}
