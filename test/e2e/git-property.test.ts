/**
 * Repositories made at random from a small alphabet, in which every rule of module versions meets every other: the real
 * `go` and our git origin must say the same of them. MODSTEAD_RUNS tries more of them.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { agree, askGo, askUs, show } from '../support/git-comparison.ts'
import { createLocalGitOrigin } from '../support/git-origin.ts'
import { createGitRepository, type GitCommit, type GitFiles } from '../support/git-repositories.ts'

const RUNS = Number(process.env.MODSTEAD_RUNS ?? 2)
const ROOT = 'github.com/acme/made'

const GO_MODS = [
  ROOT,
  `${ROOT}/v2`,
  `${ROOT}/sub`,
  `${ROOT}/sub/v2`,
  'github.com/other/fork',
  'github.com/other/fork/v2',
].map((path) => `module ${path}\n\ngo 1.21\n`)

const goMod = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...GO_MODS) },
  { weight: 2, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', 'module\n', `module ${ROOT}\n\nretract v1.0.0\n`, 'go 1.25\n'),
  },
)

const files: fc.Arbitrary<GitFiles> = fc.record(
  {
    'go.mod': goMod,
    'v2/go.mod': goMod,
    'sub/go.mod': goMod,
    'sub/v2/go.mod': goMod,
    'a.go': fc.nat(9).map((n) => `package a // ${n}\n`),
    'sub/a.go': fc.nat(9).map((n) => `package sub // ${n}\n`),
    'v2/a.go': fc.nat(9).map((n) => `package a // ${n}\n`),
    LICENSE: fc.constantFrom('Free\n', undefined),
    'sub/vendor/modules.txt': fc.constant('# x\n'),
    'sub/vendor/x/x.go': fc.constant('package x\n'),
    '.gitattributes': fc.constantFrom('*.go text eol=crlf\n', 'sub export-ignore\n', undefined),
  },
  { requiredKeys: [] },
)

const VERSIONS = [
  'v0.1.0',
  'v1.0.0',
  'v1.1.0-pre',
  'v1.1.0',
  'v1.1.0+meta',
  'v2.0.0',
  'v2.1.0-rc.1',
  'v3.0.0',
  'v1.2',
  'v01.0.0',
]
const TAGS = [...VERSIONS, ...VERSIONS.map((version) => `sub/${version}`), 'v2/v2.0.0', 'release']

const commit = fc.record({
  branch: fc.constantFrom('main', 'main', 'dev'),
  files,
  tags: fc.uniqueArray(fc.constantFrom(...TAGS), { maxLength: 3 }),
})

const BELOW = ['', '/v2', '/sub', '/sub/v2', '/v3', '/sub/none']
const QUERIES = [
  'list',
  'latest',
  'main',
  'dev',
  'release',
  '%0',
  '%1',
  '%2',
  'v0.1.0',
  'v1.0.0',
  'v1.1.0',
  'v1.1.0-pre',
  'v2.0.0',
  'v2.0.0+incompatible',
  'v3.0.0+incompatible',
]

const question = fc.record({ below: fc.constantFrom(...BELOW), query: fc.constantFrom(...QUERIES) })

test('of repositories made at random go and we say the same', { timeout: 3_600_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-property-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  let count = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(commit, { minLength: 1, maxLength: 6 }),
      fc.uniqueArray(question, {
        minLength: 8,
        maxLength: 12,
        selector: ({ below, query }) => `${below}@${query}`,
      }),
      async (commits, questions) => {
        const place = join(folder, String(++count))
        const git = await createGitRepository({ folder: join(place, 'repository') })
        const local = await createLocalGitOrigin({
          folder: join(place, 'modstead'),
          repositories: new Map([[ROOT, git.url]]),
        })
        try {
          const hashes = await git.commit(...withBranches(commits))
          for (const { below, query } of questions) {
            const module = ROOT + below
            const index = /^%(\d)$/.exec(query)?.[1]
            const hash = hashes[Number(index ?? -1)]
            if (index !== undefined && hash === undefined) continue
            const asked = index === undefined ? query : hash!.slice(0, 12)
            const theirs = await askGo({ module, query: asked, git, root: ROOT, parent: folder })
            const ours = await askUs(local.origin, module, asked)
            assert.ok(agree(theirs, ours), `${module}@${query}\ngo: ${show(theirs)}\nwe: ${show(ours)}`)
          }
        } finally {
          await local.close()
          await git.remove()
        }
      },
    ),
    { numRuns: RUNS, endOnFailure: process.env.MODSTEAD_RUNS === undefined },
  )
})

/** The other branch begins where the first one is then. */
function withBranches(commits: readonly GitCommit[]): GitCommit[] {
  const first: GitCommit = { ...commits[0]!, branch: 'main' }
  let hasDev = false
  return [first, ...commits.slice(1)].map((each) => {
    if (each.branch !== 'dev' || hasDev) return each
    hasDev = true
    return { ...each, from: 'main' }
  })
}
