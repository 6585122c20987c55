/**
 * Every question of the corpus, put to the real `go` (GOPROXY=direct) and to our git origin: the answers must be the
 * same, bytes and hashes included. DIFFERENCES lists what differs on purpose.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { agree, askGo, askUs, show } from '../support/git-comparison.ts'
import { CORPUS, type CorpusRepository } from '../support/git-corpus.ts'
import { createLocalGitOrigin } from '../support/git-origin.ts'
import { createGitRepository, type GitRepository } from '../support/git-repositories.ts'

/** Questions that we answer otherwise than `go`, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {}

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modstead-corpus-'))
})
after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

describe('the same answers as go, which asks the repository itself', { concurrency: 2 }, () => {
  for (const repository of CORPUS) {
    it(repository.name, async () => {
      const place = join(folder, repository.name)
      const made = await make(repository, join(place, 'repository'))
      const root = `github.com/acme/${repository.name}`
      const local = await createLocalGitOrigin({
        folder: join(place, 'modstead'),
        repositories: new Map([[root, made.git.url]]),
      })
      try {
        const differences: string[] = []
        for (const { module, query } of questionsOf(repository, made)) {
          const [theirs, ours] = [
            await askGo({ module, query, git: made.git, root, parent: folder }),
            await askUs(local.origin, module, query),
          ]
          const name = `${module}@${query}`
          const same = agree(theirs, ours)
          if (same === name in DIFFERENCES) differences.push(`${name}\n${show(theirs)}\n${show(ours)}`)
        }
        assert.deepEqual(differences, [])
      } finally {
        await local.close()
        await made.git.remove()
      }
    })
  }
})

interface Made {
  git: GitRepository
  hashes: string[]
}

async function make(repository: CorpusRepository, at: string): Promise<Made> {
  const { commits, refs = {}, head, objectFormat = 'sha1' } = repository
  const git = await createGitRepository({ folder: at, objectFormat })
  const hashes = commits.length === 0 ? [] : await git.commit(...commits)
  if (head !== undefined) await git.git(['symbolic-ref', 'HEAD', `refs/heads/${head}`])
  for (const [name, commit] of Object.entries(refs)) await git.git(['update-ref', name, hashes[commit]!])
  if (repository.name === 'branches') await git.git(['branch', '-D', 'gone'])
  return { git, hashes }
}

function questionsOf(repository: CorpusRepository, { hashes }: Made): { module: string; query: string }[] {
  return Object.entries(repository.modules).flatMap(([below, queries]) => {
    const module = `github.com/acme/${repository.name}${below === '' ? '' : `/${below}`}`
    const written = queries.map((query) =>
      query.replace(/%(\d+)(?::(\d+|T))?/g, (_, index: string, part: string | undefined) => {
        const commit = Number(index)
        if (part === 'T') return stamp(commit, repository)
        return hashes[commit]!.slice(0, part === undefined ? undefined : Number(part))
      }),
    )
    return ['list', 'latest', ...written].map((query) => ({ module, query }))
  })
}

/** The time of a commit as pseudo-versions have it. */
function stamp(index: number, { commits }: CorpusRepository): string {
  let seconds = Date.UTC(2024, 0, 1) / 1000 - 60
  for (const commit of commits.slice(0, index + 1)) seconds = commit.time ?? seconds + 60
  return new Date(seconds * 1000).toISOString().replace(/[-T:]/g, '').slice(0, 14)
}
