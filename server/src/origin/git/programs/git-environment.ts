/**
 * The environment that git runs in: nothing of this machine's or its users' settings, no questions, no hooks, no
 * submodules, no redirects, no protocol but those that a run allows.
 */

import { PROGRAM_ENVIRONMENT } from '../../../config/programs.ts'

/** A setting as `git config` names it. */
export type GitSetting = readonly [name: string, value: string]

/** The settings of every run. */
export const GIT_SETTINGS: readonly GitSetting[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.askPass', ''],
  ['credential.helper', ''],
  // What is fetched is kept until the clone cache drops the clone; nothing is tidied up behind our back.
  ['gc.auto', '0'],
  // A clone that a crash of the machine damages is made anew; waiting for the disk is most of what taking in a pack costs.
  ['core.fsync', 'none'],
  ['maintenance.auto', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.writeCommitGraph', 'false'],
  // Versions before this one miss tags now and then (go.dev/issue/56881).
  ['protocol.version', '2'],
  ['protocol.allow', 'never'],
  ['http.followRedirects', 'false'],
  ['http.emptyAuth', 'false'],
  // Line endings must not depend on where modstead runs (cmd/go sets the same).
  ['core.autocrlf', 'input'],
  ['core.eol', 'lf'],
]

/**
 * Bounds the memory of what takes packs in and reads objects: one thread, and large files pass through in pieces. Not for
 * `git archive`, which would leave the line endings of large files as they are.
 */
export const BOUNDED: readonly GitSetting[] = [
  ['pack.threads', '1'],
  ['core.bigFileThreshold', '16m'],
]

/** The whole environment of a run with these settings. */
export function settingsEnvironment(settings: readonly GitSetting[]): Record<string, string> {
  const env: Record<string, string> = {
    ...PROGRAM_ENVIRONMENT,
    HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GCM_INTERACTIVE: 'never',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CONFIG_COUNT: String(settings.length),
  }
  for (const [index, [name, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = name
    env[`GIT_CONFIG_VALUE_${index}`] = value
  }
  return env
}
