import { stat } from 'node:fs/promises'
import type { GitCredentials, GitLogin, GitOriginConfig } from '../../../config/config.ts'
import { createTrust, type Trust } from '../../trust.ts'
import { createHostSet, createPlace } from './places.ts'
import type { TokenSource } from './secrets/json.ts'
import { createShow, NOTHING, type Shown } from './secrets/show.ts'
import type { Web } from './web.ts'

/** What is shown to the host of one URL, and whom we trust there. */
export interface Chosen {
  /** `credentials[1] (git.corp.example)`, or `none`. */
  readonly label: string
  readonly entry: GitCredentials | undefined
  /** Reads certificates again where their files have changed. Throws `config_invalid` where they cannot be used. */
  trust(): Promise<Trust>
  /** What to say about us. Throws `upstream_refused` for a secret that cannot be had, and what asking for one throws. */
  show(url: URL, signal: AbortSignal): Promise<Shown>
}

export interface Logins {
  /**
   * The entry for this URL: the longest `for` that fits, else the first without `for` if the URL is on one of `hosts`.
   * ssh keys are for ssh, everything else for https; over plain http nothing is shown unless the configuration wrote
   * this very URL (`mapped`).
   */
  choose(url: URL, options: { mapped: boolean }): Chosen
  /** For hosts that are shown nothing. */
  readonly none: Chosen
  /** Whether the configuration names the host of this URL: then it may have any address. */
  isConfigured(url: URL): boolean
}

export function createLogins(config: GitOriginConfig, web: Web): Logins {
  const isHost = createHostSet(config.hosts)
  const isNamed = createHostSet(
    config.credentials.flatMap((entry) => entry.for?.toLowerCase().split('/', 1) ?? []),
  )
  const plainTrust = createTrust({ name: config.name })
  const none: Chosen = {
    label: 'none',
    entry: undefined,
    trust: async () => plainTrust,
    show: async () => NOTHING,
  }
  const entries = config.credentials.map((entry, index) => {
    const trust = trustReader(config.name, entry, plainTrust)
    const label = `credentials[${index}]`
    // The certificate is for the host of the entry, and the one that gives tokens is another.
    const tokenTrust = trustReader(config.name, entry.ca === undefined ? {} : { ca: entry.ca }, plainTrust)
    const source: TokenSource = { web, trust: tokenTrust, total: config.timeouts.total, entry: label }
    const place = entry.for === undefined ? undefined : createPlace(entry.for)
    return { entry, label, trust, place, show: createShow(entry.login, source) }
  })

  /** Whether an entry with this login can be of use for a URL. */
  function isFor(login: GitLogin | undefined, url: URL, mapped: boolean): boolean {
    if (url.protocol === 'ssh:') return login?.kind === 'ssh'
    return login?.kind !== 'ssh' && (url.protocol === 'https:' || mapped)
  }

  return {
    none,
    isConfigured: (url) => isHost(url) || isNamed(url),
    choose(url, { mapped }) {
      let best: { score: number; found: (typeof entries)[number] } | undefined
      for (const found of entries) {
        if (!isFor(found.entry.login, url, mapped)) continue
        // A host of `hosts` is named less closely than by any `for`.
        const score = found.place === undefined ? (isHost(url) ? 0.5 : 0) : found.place(url)
        if (score > (best?.score ?? 0)) best = { score, found }
      }
      if (best === undefined) return none
      const { entry, label, trust, show } = best.found
      return {
        label: `${label} (${entry.for ?? url.host})`,
        entry,
        trust,
        show: (target, signal) => show(target, signal, web.peerOf(target)),
      }
    },
  }
}

/** The certificates of an entry as they are now: files may be replaced while we run. */
function trustReader(name: string, entry: GitCredentials, plain: Trust): () => Promise<Trust> {
  const { ca, certificate } = entry
  const files = [ca, certificate?.cert, certificate?.key].filter((file) => file !== undefined)
  if (files.length === 0) return async () => plain
  let last: { stamp: string; trust: Trust } | undefined
  return async () => {
    const stamp = (await Promise.all(files.map(stampOf))).join(' ')
    if (last?.stamp !== stamp) {
      const trust = createTrust({
        name,
        ...(ca !== undefined && { ca }),
        ...(certificate && { certificate }),
      })
      last = { stamp, trust }
    }
    return last.trust
  }
}

/** Changes with the contents of the file, unless somebody takes pains. A missing file is found out by its reader. */
async function stampOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined)
  return found === undefined ? 'missing' : `${found.ino}:${found.size}:${found.mtimeMs}`
}
