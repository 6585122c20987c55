/**
 * Repositories that a module path tells by itself: the well-known hosts, and paths with `.git` in them. The rules are
 * those of vcsPaths in cmd/go/internal/vcs, read element by element: as one expression they could be made to take
 * for ever.
 */

/** The kinds of version control that a path may name. Only git is fetched from. */
const CONTROL_SYSTEMS = ['bzr', 'fossil', 'git', 'hg', 'svn'] as const

export type ControlSystem = (typeof CONTROL_SYSTEMS)[number]

/** A repository that a path names, or why there can be none. */
export type Told =
  | {
      vcs: ControlSystem
      /** The part of the path that names the repository. */
      root: string
      /** The repository without its scheme. */
      repository: string
      /** The same as `go` writes it. It tries https and then ssh where `anyScheme` is set. */
      written: string
      anyScheme: boolean
    }
  | { absent: string }

interface WellKnown {
  host: string
  vcs: ControlSystem
  /** How the elements of a path begin, the host included. */
  elements: readonly RegExp[]
  /** Nothing may follow them. */
  whole?: boolean
  /** A path with the suffix of a version control system is a mistake here. */
  plain?: boolean
}

const NAME = /^[\w.-]+$/
const LOWER = /^[a-z0-9]+$/

const WELL_KNOWN: readonly WellKnown[] = [
  { host: 'github.com', vcs: 'git', elements: [/^/, NAME, NAME], plain: true },
  { host: 'bitbucket.org', vcs: 'git', elements: [/^/, NAME, NAME], plain: true },
  { host: 'hub.jazz.net/git', vcs: 'git', elements: [/^/, /^git$/, LOWER, NAME], plain: true },
  { host: 'git.apache.org', vcs: 'git', elements: [/^/, /^[a-z0-9_.-]+\.git$/] },
  { host: 'git.openstack.org', vcs: 'git', elements: [/^/, NAME, NAME] },
  {
    host: 'chiselapp.com',
    vcs: 'fossil',
    elements: [/^/, /^user$/, /^[A-Za-z0-9]+$/, /^repository$/, NAME],
    whole: true,
  },
]

/** What the path itself tells; `undefined` where only the host can say. */
export function toldByPath(path: string): Told | undefined {
  const elements = path.split('/')
  const known = WELL_KNOWN.find(({ host }) => path === host || path.startsWith(`${host}/`))
  return known === undefined ? toldBySuffix(elements) : toldByHost(known, elements)
}

function toldByHost(known: WellKnown, elements: readonly string[]): Told {
  const { vcs, whole, plain } = known
  const count = known.elements.length
  const rest = elements.slice(count)
  const fits =
    elements.length >= count &&
    known.elements.every((rule, index) => rule.test(elements[index]!)) &&
    rest.every((element) => NAME.test(element))
  if (!fits || (whole === true && rest.length > 0))
    return { absent: `no repository on ${known.host} has such a path` }
  const root = elements.slice(0, count).join('/')
  const suffix = plain === true ? controlSuffix(root) : undefined
  if (suffix !== undefined) return { absent: `paths on ${known.host} are written without .${suffix}` }
  return { vcs, root, repository: root, written: `https://${root}`, anyScheme: false }
}

/** `git.corp.example/team/tool.git/cmd`: the longest beginning that ends so is the repository. */
function toldBySuffix(elements: readonly string[]): Told | undefined {
  const [host = '', ...names] = elements
  if (!/^[a-z0-9.-]+$/.test(host) || !host.slice(1, -1).includes('.')) return undefined
  if (!names.every((name) => /^~?[\w.-]+$/.test(name))) return undefined
  const index = names.findLastIndex((name) => controlSuffix(name) !== undefined)
  if (index < 0) return undefined
  const vcs = controlSuffix(names[index]!)!
  const root = elements.slice(0, index + 2).join('/')
  // Some servers know a repository only with the suffix, which go leaves out, and it is never wrong where they know
  // both; without it, others answer with a redirect, which git is not let follow.
  return {
    vcs,
    root,
    repository: root,
    written: `https://${root.slice(0, -vcs.length - 1)}`,
    anyScheme: true,
  }
}

function controlSuffix(name: string): ControlSystem | undefined {
  return CONTROL_SYSTEMS.find(
    (vcs) => name.endsWith(`.${vcs}`) && name.replace(/^~/, '').length > vcs.length + 1,
  )
}
