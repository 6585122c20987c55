import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import { findingOf } from './advice.ts'
import type { Artifact, Claim, Side } from './claims.ts'
import { compareClaims } from './compare.ts'
import { placesIn } from './places.ts'

const name = { path: checkPath('example.com/A'), version: checkVersion('example.com/A', 'v1.0.0') }
const places = placesIn('/mod', name)
const RM_ZIP =
  "rm -f '/mod/cache/download/example.com/!a/@v/v1.0.0.zip' '/mod/cache/download/example.com/!a/@v/v1.0.0.ziphash'"
const RM_FOLDER = "chmod -R u+w '/mod/example.com/!a@v1.0.0' && rm -rf '/mod/example.com/!a@v1.0.0'"
const keep = (...files: string[]) =>
  `(kept="$(mktemp -d ~/modstead-evidence.XXXXXX)" && cp -Rp ${files.join(' ')} "$kept" && echo "kept in $kept")`
const ZIP = "'/mod/cache/download/example.com/!a/@v/v1.0.0.zip'"
const ZIPHASH = "'/mod/cache/download/example.com/!a/@v/v1.0.0.ziphash'"
const FOLDER = "'/mod/example.com/!a@v1.0.0'"
const DOWNLOAD = 'go mod download example.com/A@v1.0.0'
const FRESH = `(cd "$(mktemp -d)" && GOMODCACHE="$PWD/cache" ${DOWNLOAD.replace('download', 'download -json')})`

interface Row {
  /** `side=hash`, where right is A. */
  claims: string
  proven?: string
  says: RegExp
  commands: string[]
  security: boolean
}

const rows: Row[] = [
  {
    claims: 'go_sum=A ziphash=A zip=B',
    proven: 'A',
    says: /^The zip in the module cache was changed after its download: .*`go` does not notice\. .* database sum\.example\.$/,
    commands: [keep(ZIP, ZIPHASH), RM_ZIP, DOWNLOAD],
    security: true,
  },
  {
    claims: 'go_sum=A zip=B',
    proven: 'A',
    says: /^The zip in the module cache has other contents\. /,
    commands: [keep(ZIP), RM_ZIP, DOWNLOAD],
    security: true,
  },
  {
    claims: 'go_sum=A ziphash=B zip=A folder=A',
    says: /^The \.ziphash in the module cache is wrong, while the zip beside it is right\. .* other sides, which agree\.$/,
    commands: [RM_ZIP, RM_FOLDER, DOWNLOAD],
    security: false,
  },
  {
    claims: 'go_sum=A ziphash=B',
    proven: 'A',
    says: /and the zip it was of is gone/,
    commands: [RM_ZIP, DOWNLOAD],
    security: false,
  },
  {
    claims: 'ziphash=B zip=B folder=B',
    proven: 'A',
    says: /without a check, or both the zip and its \.ziphash were replaced\. So does the folder extracted from it/,
    commands: [keep(ZIP, ZIPHASH, FOLDER), RM_ZIP, RM_FOLDER, DOWNLOAD],
    security: true,
  },
  {
    claims: 'ziphash=A zip=A folder=B',
    proven: 'A',
    says: /^The extracted folder, which is what is compiled, was changed/,
    commands: [keep(FOLDER), RM_FOLDER, DOWNLOAD],
    security: true,
  },
  {
    claims: 'go_sum=B ziphash=A',
    proven: 'A',
    says: /^go\.sum:7 is wrong\. /,
    commands: ['git log -S B -- go.sum'],
    security: false,
  },
  {
    claims: 'go_sum=A proxy=B',
    proven: 'A',
    says: /^https:\/\/go\.example gives something else under this name\. /,
    commands: [],
    security: true,
  },
  {
    claims: 'go_sum=B zip=B',
    proven: 'A',
    says: /^Everything here agrees, and the checksum database sum\.example has something else/,
    commands: [FRESH],
    security: true,
  },
  {
    claims: 'zip=A ziphash=B',
    says: /^The zip in the module cache and its \.ziphash differ: one of them was changed/,
    commands: [FRESH],
    security: false,
  },
  {
    claims: 'go_sum=A zip=B ziphash=B',
    says: /^go\.sum expects something else than there is: .* a tag that moved/,
    commands: [FRESH],
    security: false,
  },
  {
    claims: 'proxy=A zip=B ziphash=B',
    says: /^What is in the module cache does not agree with the rest\. /,
    commands: [FRESH],
    security: false,
  },
]

const WHERE: Partial<Record<Side, string>> = { go_sum: 'go.sum:7', proxy: 'https://go.example' }

function explain(row: Row, artifact: Artifact) {
  const claims: Claim[] = row.claims.split(' ').map((word) => {
    const [side, hash] = word.split('=') as [Side, string]
    return { side, hash, where: WHERE[side] ?? '' }
  })
  const extracted = claims.some(({ side }) => side === 'folder')
  const subject = {
    name,
    artifact,
    claims,
    database: 'sum.example',
    places,
    extracted,
    platform: 'linux',
  } as const
  return findingOf(compareClaims(claims, row.proven), subject)
}

test('what is said, and what is to be done', () => {
  for (const row of rows) {
    const finding = explain(row, 'zip')
    assert.ok(finding, row.claims)
    assert.match(finding.message, row.says)
    assert.deepEqual(
      finding.steps.flatMap(({ commands }) => commands),
      row.commands,
      row.claims,
    )
    assert.equal(finding.security, row.security, row.claims)
    assert.equal(
      finding.steps.some(({ text }) => text.startsWith('Tell your security team')),
      row.security,
    )
  }
})

test('the line that is right is written out', () => {
  const row = { claims: 'go_sum=B mod=A', proven: 'A', says: /./, commands: [], security: false }
  assert.match(
    explain(row, 'zip')!.steps[0]!.text,
    /^Find out how .* go\.sum\. .* an attack, .* tell your security team\.$/,
  )
  assert.match(explain(row, 'go.mod')!.steps[1]!.text, /in its place: example\.com\/A v1\.0\.0\/go\.mod A$/)
  assert.match(explain(row, 'zip')!.steps[1]!.text, /in its place: example\.com\/A v1\.0\.0 A$/)
})
