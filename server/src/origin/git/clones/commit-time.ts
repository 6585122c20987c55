import { ModsteadError } from '../../../errors.ts'

/** The committer's time of a raw commit object, in whole seconds. Throws `upstream_invalid` where it has none. */
export function commitTime(commit: Buffer, url: string): Date {
  const head = commit.subarray(0, Math.max(0, commit.indexOf('\n\n'))).toString('latin1')
  const seconds = /^committer .* (-?\d{1,15}) [-+]\d{4}$/m.exec(head)?.[1]
  const time = new Date(Number(seconds ?? Number.NaN) * 1000)
  if (!Number.isNaN(time.getTime())) return time
  throw new ModsteadError('upstream_invalid', `${url} has a commit without a time`)
}
