/** What is said of each verdict: who is wrong in what way, and what to do. */
import { formatGoSumLine } from '@modstead/gomod/gosum'
import type { Artifact, Claim, ModuleName, Side, Unreadable } from './claims.ts'
import type { Verdict } from './compare.ts'
import type { Finding, Step } from './finding.ts'
import type { CachePlaces } from './places.ts'
import { freshDownload, keepCommands, type Platform, removeCommands, shellWord } from './shell.ts'
import { ended, sentence, shownPlace } from './wording.ts'

export interface Subject {
  name: ModuleName
  artifact: Artifact
  /** What every side says. */
  claims: readonly Claim[]
  /** Name of the database, where it has a record. */
  database?: string
  places: CachePlaces
  /** There is an extracted folder. */
  extracted: boolean
  platform: Platform
}

/** Whose files are to be removed. */
type Place = Pick<Subject, 'name' | 'places' | 'extracted' | 'platform'>

/** `undefined` where there is nothing to say. */
export function findingOf(verdict: Verdict, subject: Subject): Finding | undefined {
  switch (verdict.kind) {
    case 'agree':
    case 'alone':
      return undefined
    case 'undecided':
      return undecided(subject)
    case 'database_disagrees':
      return databaseDisagrees(verdict, subject)
    case 'wrong':
      return wrong(verdict, subject)
  }
}

/** A file that cannot be compared for what it is. */
export function findingOfUnreadable(
  { side, where, problem, isClosed = false }: Unreadable,
  place: Place,
): Finding {
  if (isClosed) return closed(place.name, `${shownPlace(where)}: ${problem}`)
  const steps = side === 'proxy' ? [tellOperators(where)] : [removeStep('Remove it', [side], place)]
  return {
    kind: 'unreadable',
    ...place.name,
    wrong: [side],
    claims: [],
    message: sentence(`${NOUNS[side]} is not usable: ${problem}`),
    steps,
    security: false,
  }
}

function closed(name: ModuleName, problem: string): Finding {
  return {
    kind: 'not_compared',
    ...name,
    wrong: [],
    claims: [],
    message: `It could not be compared: ${ended(problem)}`,
    steps: [{ text: 'Run it as a user who may read the module cache.', commands: [] }],
    security: false,
  }
}

function wrong(verdict: Extract<Verdict, { kind: 'wrong' }>, subject: Subject): Finding {
  const { name, artifact, claims, database } = subject
  const sides = sidesOf(verdict.wrong)
  const judge =
    verdict.judge === 'database' ? `the checksum database ${database}` : 'the other sides, which agree'
  const steps: Step[] = []
  const security = sides.some((side) => SERIOUS.has(side))
  const cached = sides.filter((side) => CACHED.has(side))
  if (cached.length > 0) {
    if (security) steps.push(keepStep(cached, subject))
    steps.push(removeStep(security ? 'Then remove it' : 'Remove it', cached, subject))
  }
  if (sides.includes('go_sum')) {
    const line = formatGoSumLine({ ...name, of: artifact, hash: verdict.right })
    for (const claim of verdict.wrong.filter(({ side }) => side === 'go_sum'))
      steps.push(...correctLine(claim, line, subject))
  }
  for (const { where } of verdict.wrong.filter(({ side }) => side === 'proxy'))
    steps.push(tellOperators(where))
  if (security) steps.push(TELL_SECURITY)
  const sentences = describeWrong(sides, verdict, claims).map((text) => `${text}.`)
  return {
    ...base('wrong', subject),
    wrong: sides,
    message: [...sentences, `What is right is told by ${judge}.`].join(' '),
    steps,
    security,
  }
}

function describeWrong(
  sides: readonly Side[],
  verdict: { wrong: Claim[] },
  claims: readonly Claim[],
): string[] {
  const has = (side: Side): boolean => claims.some((claim) => claim.side === side)
  const is = (side: Side): boolean => sides.includes(side)
  const said: string[] = []
  for (const { side, where } of verdict.wrong)
    if (side === 'go_sum') said.push(`${shownPlace(where)} is wrong`)
  if (is('zip') && is('ziphash'))
    said.push(
      'The module cache has other contents of this version, and came to have them in one piece: it downloaded them ' +
        'without a check, or both the zip and its .ziphash were replaced',
    )
  else if (is('zip'))
    said.push(
      has('ziphash')
        ? 'The zip in the module cache was changed after its download: its .ziphash still has the right hash, so `go` does not notice'
        : 'The zip in the module cache has other contents',
    )
  else if (is('ziphash'))
    said.push(
      has('zip')
        ? 'The .ziphash in the module cache is wrong, while the zip beside it is right'
        : 'The .ziphash in the module cache is wrong, and the zip it was of is gone',
    )
  if (is('folder'))
    said.push(
      is('zip')
        ? 'So does the folder extracted from it, which is what is compiled'
        : 'The extracted folder, which is what is compiled, was changed after it was extracted',
    )
  if (is('mod')) said.push('The .mod file in the module cache is not the go.mod of this version')
  for (const { side, where } of verdict.wrong)
    if (side === 'proxy') said.push(`${shownPlace(where)} gives something else under this name`)
  return said
}

function databaseDisagrees(
  verdict: Extract<Verdict, { kind: 'database_disagrees' }>,
  subject: Subject,
): Finding {
  return {
    ...base('database_disagrees', subject),
    wrong: sidesOf(verdict.wrong),
    message:
      `Everything here agrees, and the checksum database ${subject.database} has something else: what was ` +
      'downloaded, and written to go.sum, is not what everybody else is given.',
    steps: [
      { text: 'Do not build with it, and do not correct go.sum yet.', commands: [] },
      TELL_SECURITY,
      {
        text: 'See what everybody else is given:',
        commands: [freshDownload(atVersion(subject.name), subject.platform)],
      },
    ],
    security: true,
  }
}

function undecided(subject: Subject): Finding {
  const { claims, name, platform } = subject
  const hashes = (side: Side): string[] =>
    claims.flatMap((claim) => (claim.side === side ? [claim.hash] : []))
  const [zip] = hashes('zip')
  const [ziphash] = hashes('ziphash')
  const changed = zip !== undefined && ziphash !== undefined && zip !== ziphash
  const why = changed
    ? 'The zip in the module cache and its .ziphash differ: one of them was changed after the download'
    : hashes('go_sum').length > 0
      ? 'go.sum expects something else than there is: the version was changed where it comes from, such as a tag that moved, or it was tampered with, on its way or in the cache'
      : 'What is in the module cache does not agree with the rest'
  return {
    ...base('undecided', subject),
    wrong: [],
    message: `${why}. No checksum database says who is right.`,
    steps: [
      {
        text: 'Download it into an empty module cache, and compare with the Sum and GoModSum that are printed:',
        commands: [freshDownload(atVersion(name), platform)],
      },
      {
        text: 'Ask the modstead of your company: modstead verify --to its address. If it does not agree with go.sum, ask the authors of the module whether they changed the version; if they did not, tell your security team.',
        commands: [],
      },
    ],
    security: false,
  }
}

function base(kind: Finding['kind'], { name, artifact, claims }: Subject) {
  return { kind, ...name, artifact, claims: [...claims] }
}

/** Whoever writes to go.sum decides what `go` takes for the version: a wrong line is not always a slip. */
function correctLine({ where, hash }: Claim, line: string, { platform }: Subject): Step[] {
  const file = where.replace(/:\d+$/, '')
  return [
    {
      text: `Find out how the line came into ${shownPlace(file)}. It may be a slip, or an attack, for with it \`go\` takes other contents for this version: where nobody can explain it, tell your security team.`,
      commands: [`git log -S ${shellWord(hash, platform)} -- ${shellWord(file, platform)}`],
    },
    { text: `Then write this line in its place: ${line}`, commands: [] },
  ]
}

/** Before anything is removed: what is there is all that tells how it came to be so. */
function keepStep(sides: readonly Side[], { claims, places, extracted, platform }: Subject): Step {
  const has = (side: Side): boolean => claims.some((claim) => claim.side === side)
  const files = filesOf(sides, places).filter((file) => file !== places.ziphash || has('ziphash'))
  const folders = foldersOf(sides, { places, extracted })
  return {
    text: 'Keep a copy of it as evidence, for your security team:',
    commands: keepCommands([...files, ...folders], platform),
  }
}

/** What is extracted from a zip that is wrong is as wrong; a folder alone is extracted again from the zip. */
function removeStep(
  first: string,
  sides: readonly Side[],
  { name, places, extracted, platform }: Place,
): Step {
  const files = filesOf(sides, places)
  const folders = foldersOf(sides, { places, extracted })
  return {
    text: `${first}, and let \`go\` download it again:`,
    commands: [
      ...removeCommands({ files, folders }, platform),
      `go mod download ${shellWord(atVersion(name), platform)}`,
    ],
  }
}

function filesOf(sides: readonly Side[], places: CachePlaces): string[] {
  return [
    ...(isZip(sides) ? [places.zip, places.ziphash] : []),
    ...(sides.includes('mod') ? [places.mod] : []),
  ]
}

function foldersOf(
  sides: readonly Side[],
  { places, extracted }: Pick<Place, 'places' | 'extracted'>,
): string[] {
  return extracted && (isZip(sides) || sides.includes('folder')) ? [places.folder] : []
}

function isZip(sides: readonly Side[]): boolean {
  return sides.includes('zip') || sides.includes('ziphash')
}

function tellOperators(where: string): Step {
  return {
    text: `Tell those who run ${shownPlace(where)}, and do not download from it until they know why.`,
    commands: [],
  }
}

const TELL_SECURITY: Step = {
  text: 'Tell your security team, with the output of this command: other contents than everybody has may be an attack.',
  commands: [],
}

const NOUNS: Record<Side, string> = {
  go_sum: 'the line of go.sum',
  zip: 'the zip in the module cache',
  ziphash: 'the .ziphash in the module cache',
  folder: 'the extracted folder in the module cache',
  mod: 'the .mod file in the module cache',
  proxy: 'what the proxy gives',
  database: 'what the checksum database says',
}

const CACHED: ReadonlySet<Side> = new Set(['zip', 'ziphash', 'folder', 'mod'])
const SERIOUS: ReadonlySet<Side> = new Set(['zip', 'folder', 'mod', 'proxy'])

function sidesOf(claims: readonly Claim[]): Side[] {
  return [...new Set(claims.map(({ side }) => side))]
}

function atVersion({ path, version }: ModuleName): string {
  return `${path}@${version}`
}
