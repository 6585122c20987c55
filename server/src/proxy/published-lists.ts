import { compare, prerelease, sort } from '@modstead/gomod/semver'
import { isPseudoVersion } from '@modstead/gomod/pseudo'
import type { Version } from '@modstead/gomod/version'
import { isAbsence, ModsteadError } from '../errors.ts'
import type { Mark } from './catalog.ts'
import { refuseDeleted } from './deletions.ts'
import { parseInfo } from './info-file.ts'
import type { MutableAnswer, MutableFiles, MutableQuestion } from './mutable.ts'
import type { Parts } from './parts.ts'
import type { SmallFiles } from './small-files.ts'
import { FOR_CLIENT } from './wanted.ts'

/**
 * Lays what was published and deleted here over what origins say: published versions are listed beside theirs, deleted
 * ones are not, whoever lists them. It is done for each answer, so that it holds at once and for every copy.
 */
export function withPublished(
  inner: MutableFiles,
  files: SmallFiles,
  { catalog, now }: Pick<Parts, 'catalog' | 'now'>,
): MutableFiles {
  async function overlay(
    question: MutableQuestion,
    ask: () => Promise<MutableAnswer | undefined>,
  ): Promise<MutableAnswer | undefined> {
    const marks = await catalog.marks(question.route.realm, question.module)
    if (marks.length === 0) return ask()
    switch (question.query) {
      case 'list':
        return overlayList(marks, ask)
      case 'latest':
        return overlayLatest(question, marks, ask)
      default:
        return refuseDeletedAnswer(question, await ask())
    }
  }

  async function overlayList(
    marks: readonly Mark[],
    ask: () => Promise<MutableAnswer | undefined>,
  ): Promise<MutableAnswer | undefined> {
    const { answer, failure } = await orFailure(ask)
    const lines = linesOf(answer?.body)
    for (const { version, published, deleted } of marks) {
      // Lists have no pseudo-versions: whoever wants one knows it.
      if (deleted || isPseudoVersion(version)) lines.delete(version)
      else if (published && !lines.has(version)) lines.set(version, version)
    }
    if (lines.size === 0 && failure !== undefined) throw failure
    if (answer === undefined && lines.size === 0) return undefined
    const body = Buffer.from(
      sort(lines.keys())
        .map((version) => `${lines.get(version)!}\n`)
        .join(''),
    )
    return answerOf(body, answer)
  }

  async function overlayLatest(
    question: MutableQuestion,
    marks: readonly Mark[],
    ask: () => Promise<MutableAnswer | undefined>,
  ): Promise<MutableAnswer | undefined> {
    const { route, module } = question
    const { answer, failure } = await orFailure(ask)
    const theirs = answer && versionOf(question, answer.body)
    const isDeleted = marks.some(({ version, deleted }) => deleted && version === theirs)
    const published = marks.filter(({ published, deleted }) => published && !deleted)
    const candidates = [...published.map(({ version }) => version), ...(theirs && !isDeleted ? [theirs] : [])]
    const [best] = candidates.sort(byPreference)
    if (best === undefined) {
      if (failure !== undefined) throw failure
      return refuseDeletedAnswer(question, answer)
    }
    if (best === theirs) return answer
    const info = await files.stored({ route, module, version: best as Version, kind: 'info' }, FOR_CLIENT)
    return info === undefined ? answer : answerOf(info.bytes, answer)
  }

  /** A branch or commit may lead to a version that was deleted. */
  async function refuseDeletedAnswer(
    question: MutableQuestion,
    answer: MutableAnswer | undefined,
  ): Promise<MutableAnswer | undefined> {
    const version = answer && versionOf(question, answer.body)
    if (version === undefined) return answer
    const { route, module } = question
    refuseDeleted({ module, version }, await catalog.version(route.realm, module, version))
    return answer
  }

  /** A published version may be newer than what the answer's own time says, so that comparing times is no use. */
  function answerOf(body: Buffer, answer: MutableAnswer | undefined): MutableAnswer {
    return { body, modified: new Date(now()), until: answer?.until ?? now() }
  }

  return {
    async get(question, options) {
      const answer = await overlay(question, () => inner.get(question, options))
      // Only asking what is stored gives nothing without saying why.
      return answer ?? inner.get(question, options)
    },
    async renew(question, options) {
      const answer = await overlay(question, () => inner.renew(question, options))
      return answer ?? inner.renew(question, options)
    },
    stored: (question) => overlay(question, () => inner.stored(question)),
    expire: (realm, module) => inner.expire(realm, module),
    idle: () => inner.idle(),
  }
}

/** Origins that have nothing, or are down, take nothing from what was published here. */
async function orFailure(
  ask: () => Promise<MutableAnswer | undefined>,
): Promise<{ answer?: MutableAnswer | undefined; failure?: Error }> {
  try {
    return { answer: await ask() }
  } catch (error) {
    if (isOfOrigins(error)) return { failure: error }
    throw error
  }
}

function isOfOrigins(error: unknown): error is ModsteadError {
  return error instanceof ModsteadError && (error.code.startsWith('upstream_') || isAbsence(error))
}

/** The lines of a list by their versions. */
function linesOf(body: Buffer | undefined): Map<string, string> {
  const lines = (body?.toString() ?? '').split('\n').filter((line) => line !== '')
  return new Map(lines.map((line) => [line.split(' ', 1)[0]!, line]))
}

function versionOf({ module }: MutableQuestion, body: Buffer): Version | undefined {
  const info = parseInfo(module, 'latest', body)
  return 'problem' in info ? undefined : info.version
}

/** As `go` chooses: releases before pre-releases before pseudo-versions, and the newest of them first. */
function byPreference(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || compare(b, a)
}

function rankOf(version: string): number {
  if (isPseudoVersion(version)) return 2
  return prerelease(version) === '' ? 0 : 1
}
