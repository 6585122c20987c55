import type { Incident } from './catalog.ts'

/** What a kind of incident is to the person who has to look at it. docs/incidents.md says more. */
export interface IncidentKind {
  /** What happened, to stand behind the id. */
  title: string
  /** What it means, and who is likely wrong. */
  meaning: string
  /** What to do, step by step. */
  steps: readonly string[]
}

export const INCIDENT_KINDS: Readonly<Record<Incident['kind'], IncidentKind>> = {
  zip: {
    title: 'other contents of a version than those that hold',
    meaning:
      'The zip that came differs from the one first seen here, or from what a checksum database has signed. Most often the source is wrong: it was tampered with, or the version was changed after its release.',
    steps: [
      'Ask others for the hash: `go mod download -json MODULE@VERSION` through another proxy.',
      'Where only this source differs, it is wrong: repair it, or take it out of the route.',
      'Where all others have what was found here, the version was changed after its release: go on to a newer one.',
    ],
  },
  mod: {
    title: 'another go.mod of a version than the one that holds',
    meaning:
      'The go.mod that came differs from the one first seen here, or from what a checksum database has signed. Most often the source is wrong: it was tampered with, or the version was changed after its release.',
    steps: [
      'Ask others for the hash: `go mod download -json MODULE@VERSION` through another proxy.',
      'Where only this source differs, it is wrong: repair it, or take it out of the route.',
      'Where all others have what was found here, the version was changed after its release: go on to a newer one.',
    ],
  },
  store: {
    title: 'a stored file that is not what was stored',
    meaning:
      'A file in the data folder has other contents than when it was verified: the disk fails, or somebody wrote to it. It was dropped, and its origins are asked for it again.',
    steps: [
      'Look at the disk and the system log for errors.',
      'Where the disk is well, find out who else can write to the data folder.',
      'Fetch the version again; where no origin has it any more, restore the file from a backup.',
    ],
  },
  checksum_database: {
    title: 'a checksum database that does not prove what it says',
    meaning:
      'Its answer is not signed by its key, or contradicts what it signed before. Something between it and modstead changes answers, the key in the configuration is another one, or, where two heads of one log stand below, the database has lied.',
    steps: [
      'Look for what reads along on the way: an intercepting proxy, a portal, a wrong address or key under sumdb.',
      'Where two signed heads stand below, keep them: they prove a fork, and whoever runs the database must hear of it.',
      'Until it is cleared up, its answers are refused and nothing new is stored on its word.',
    ],
  },
  tag: {
    title: 'a tag that leads to another commit',
    meaning:
      'The repository has moved the tag of a version that was built here before. What was first seen goes on being served; the new commit is not.',
    steps: [
      'Ask whoever moved the tag, and see what changed between the two commits.',
      'Move the tag back, and release the new contents as a new version.',
      'Where nobody moved it on purpose, look for who can push to the repository.',
    ],
  },
}
