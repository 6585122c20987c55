import type { RemoteRefs } from '../wire/advertisement.ts'
import { BrokenClone, type Clone } from './clone.ts'
import type { Code } from '../versions/code.ts'

/** What comes before what in a repository: answered from the clone that has all commits. */
export type History = Pick<Code, 'expand' | 'tagsBefore'>

/** Bytes of a commit at most. */
const MAX_COMMIT = 16 << 20

export function createHistory(options: {
  clone(): Promise<Clone>
  /** Brings the clone to these names. */
  fetch(refs: RemoteRefs): Promise<void>
  shutdown: AbortSignal
}): History {
  const { clone, fetch, shutdown } = options

  /** Commits whose hashes begin so, whatever led to them once: what a clone has, it keeps. */
  async function commitsIn(history: Clone, prefix: string): Promise<string[]> {
    const { stdout } = await history.ask(['rev-parse', `--disambiguate=${prefix}`], shutdown)
    const hashes = linesOf(stdout)
    const objects = hashes.length === 0 ? [] : await history.objects(hashes, MAX_COMMIT, shutdown)
    return objects.flatMap((object) => (object?.type === 'commit' ? [object.hash] : []))
  }

  async function namesThat(history: Clone, condition: string, format: string): Promise<string[]> {
    const args = ['for-each-ref', `--format=${format}`, condition, 'refs/heads/', 'refs/tags/']
    const { status, stdout, said } = await history.ask(args, shutdown)
    if (status !== 0) throw new BrokenClone(said)
    return linesOf(stdout)
  }

  /** The branches and tags that lead to a commit, and the commits that they stand for. */
  async function namesBeyond(history: Clone, hash: string): Promise<{ name: string; hash: string }[]> {
    const format = '%(refname) %(objectname) %(*objectname)'
    const lines = await namesThat(history, `--contains=${hash}`, format)
    return lines.map((line) => {
      const [name = '', own = '', peeled = ''] = line.split(' ')
      return { name, hash: peeled || own }
    })
  }

  return {
    async expand(prefix, refs) {
      const history = await clone()
      const [known, ...others] = await commitsIn(history, prefix)
      // Without a fetch one is believed where a name that has not changed leads to it.
      if (known !== undefined && others.length === 0)
        for (const { name, hash } of await namesBeyond(history, known))
          if (refs.byName.get(name) === hash) return { hash: known }
      await fetch(refs)
      const found: string[] = []
      for (const hash of await commitsIn(history, prefix))
        if ((await namesBeyond(history, hash)).length > 0) found.push(hash)
      const [hash] = found
      if (found.length > 1) return 'ambiguous'
      return hash === undefined ? undefined : { hash }
    },
    async tagsBefore(hash, refs) {
      await fetch(refs)
      const names = await namesThat(await clone(), `--merged=${hash}`, '%(refname)')
      return names.flatMap((ref) => (ref.startsWith('refs/tags/') ? [ref.slice('refs/tags/'.length)] : []))
    },
  }
}

function linesOf(output: Buffer): string[] {
  return output.toString().split('\n').filter(Boolean)
}
