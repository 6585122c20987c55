import type { RemoteRefs } from '../wire/advertisement.ts'

/** A commit as far as module versions depend on it. */
export interface Commit {
  hash: string
  /** The committer's time, in whole seconds. */
  time: Date
}

/** What the beginning of a hash stands for. */
export type Expanded = { hash: string } | 'ambiguous' | undefined

/**
 * A repository as the rules of module versions see it: names from the remote side, contents from what was fetched.
 * Failures to reach it are those of `Origin`.
 */
export interface Code {
  /** The URL as `.info` files show it, without credentials. */
  readonly url: string
  /** The commit with this full hash, with all of its files fetched; `ref` is a name it has now, where it has one. */
  commit(hash: string, ref: string | undefined): Promise<Commit | undefined>
  /** Files of a commit that `commit` gave, in order: the raw blobs; `undefined` for those it lacks. */
  read(hash: string, paths: readonly string[]): Promise<(Buffer | undefined)[]>
  /** The commits reachable from branches and tags whose hashes begin so: none, one, or `ambiguous`. */
  expand(prefix: string, refs: RemoteRefs): Promise<Expanded>
  /** Names of the tags (without `refs/tags/`) whose commits are ancestors of this one, or itself. */
  tagsBefore(hash: string, refs: RemoteRefs): Promise<string[]>
}

/** What one question about a module is answered from: its repository, and the names that repository had then. */
export interface Asked {
  code: Code
  refs: RemoteRefs
  module: ModuleLocation
}

/** Where in a repository a module lives (cmd/go/internal/modfetch, newCodeRepo). */
export interface ModuleLocation {
  path: string
  /** The module path without its major version: `example.com/m` of `example.com/m/v2`. */
  pathPrefix: string
  /** `''`, `/v2`, or `.v2` of gopkg.in. */
  pathMajor: string
  /** What the root of the repository (or its subdirectory) is called. */
  root: string
  /** Folder of the module in the repository, without slashes at its ends: `''` is the root. */
  folder: string
}

/** `folder/v1.2.3` of a module in a folder: the prefix that its tags have. */
export function tagPrefix({ folder }: ModuleLocation): string {
  return folder === '' ? '' : `${folder}/`
}
