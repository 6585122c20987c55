import { storeError } from '../../../disk-errors.ts'
import { diskFailure } from '../programs/disk-full.ts'
import type { RunGit } from '../programs/git-helper.ts'
import { GitStopped } from '../programs/run-git.ts'

export interface ArchiveOrder {
  /** The clone that has the commit. */
  gitDir: string
  /** Full hash of the commit. */
  hash: string
  /** Folder of the repository whose files are wanted: `''` is its root. */
  folder: string
}

/** Why there is no archive: the commit is not one that can be taken, or the clone cannot be read. */
export interface ArchiveProblem {
  problem: 'archive' | 'clone'
  message: string
}

/** Completes "modstead could not …". */
const DOING = 'write down the files of a commit'

/**
 * Lets git write the files of a commit as it would check them out, as a tar into a new file: line endings and encodings
 * are converted. What is there of it after a failure is the caller's to delete. Throws the reason of `signal`, and
 * `store_unavailable` where our disk is full.
 */
export async function archive(
  { gitDir, hash, folder }: ArchiveOrder,
  options: {
    run: RunGit
    /** The path of the file. */
    output: string
    /** Bytes that the archive may have, and milliseconds that git may take. */
    most: number
    deadline: number
    signal: AbortSignal
  },
): Promise<ArchiveProblem | undefined> {
  const { run, output, most, deadline, signal } = options
  const args = ['archive', '--format=tar', '--end-of-options', hash, ...(folder === '' ? [] : [folder])]
  const bounds = { deadlines: { total: deadline }, limit: most }
  try {
    const { status, said } = await run({ args, gitDir, output, signal, ...bounds })
    if (status === 0) return undefined
    const failure = diskFailure(said, DOING)
    if (failure !== undefined) throw failure
    return { problem: 'clone', message: said }
  } catch (error) {
    if (!(error instanceof GitStopped)) throw storeError(error, DOING)
    const late = `git did not give its files within ${deadline} ms`
    return {
      problem: 'archive',
      message: error.reason === 'limit' ? `its files have more than ${most} bytes` : late,
    }
  }
}
