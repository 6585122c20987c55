import { parseSignerKey, verifierKeyOf } from '@modstead/gomod/note'
import type { ChecksumLogConfig } from './config.ts'
import { absolutePath, type BuildContext, complain } from './context.ts'
import { describeFileError } from './file-errors.ts'
import { isFolder } from './high-water.ts'
import { logNameProblem } from './log-name.ts'
import { formatKeyPath, type KeyPath } from './problems.ts'
import type { FileConfig } from './schema.ts'
import { resolveSecret, secretFile } from './secrets.ts'
import { keyFileProblem, signerKeyProblem } from './signer-key.ts'
import { buildWitnesses } from './witnesses.ts'

type FileLog = NonNullable<FileConfig['checksumLog']>

/** The log of the file with its keys; undefined where there is none, or no use in its key, which is a problem then. */
export async function buildChecksumLog(
  context: BuildContext,
  given: FileLog | undefined,
): Promise<ChecksumLogConfig | undefined> {
  if (given === undefined) return undefined
  const at: KeyPath = ['checksumLog', 'key']
  const key = await resolveKey(context, at, given.key)
  const name = key && parseSignerKey(key).name
  const nameProblem = name && logNameProblem(name)
  if (nameProblem) complain(context, at, nameProblem)
  const previousKeys: string[] = []
  for (const [index, value] of given.previousKeys.entries()) {
    const path = ['checksumLog', 'previousKeys', index]
    const previous = await resolveKey(context, path, value)
    if (previous === undefined || name === undefined) continue
    const other = parseSignerKey(previous).name
    if (previous === key) complain(context, path, 'is the same as `key`: list only those that it replaces')
    else if (previousKeys.includes(previous)) complain(context, path, 'is given twice')
    else if (other !== name)
      complain(
        context,
        path,
        `is called ${other}, and the key ${name}: keys of one log have one name, and another name is another log`,
      )
    previousKeys.push(previous)
  }
  const witnesses = buildWitnesses(context, given.witnesses)
  const highWater = given.highWater && (await highWaterFile(context, given))
  if (key === undefined || name === undefined || nameProblem) return undefined
  const verifierKey = verifierKeyOf(key)
  return { name, key, verifierKey, previousKeys, ...(highWater && { highWater }), witnesses }
}

/** The absolute path of the mark, which is written anew with every head. */
async function highWaterFile(context: BuildContext, given: FileLog): Promise<string> {
  const at: KeyPath = ['checksumLog', 'highWater']
  const path = absolutePath(context, at, given.highWater!)
  const keys: [KeyPath, string][] = [
    [['checksumLog', 'key'], given.key],
    ...given.previousKeys.map((key, index): [KeyPath, string] => [
      ['checksumLog', 'previousKeys', index],
      key,
    ]),
  ]
  for (const [where, value] of keys) {
    const file = secretFile(value)
    if (file !== undefined && absolutePath(context, where, file) === path)
      complain(
        context,
        at,
        `is the file of ${formatKeyPath(where)}, which would be overwritten: name another`,
      )
  }
  if (await isFolder(context, path)) complain(context, at, 'expected the path of a file, found a folder')
  return path
}

/** What keeps the file `path` from being one for keys. */
function openKeyFile(context: BuildContext, path: string): Promise<string | undefined> {
  return context.stat(path).then(
    (facts) => keyFileProblem(path, facts, context.platform),
    (error: unknown) => describeFileError(path, error),
  )
}

/** The signer key that a value stands for; undefined, and a problem, where it is none or others may read its file. */
async function resolveKey(context: BuildContext, path: KeyPath, value: string): Promise<string | undefined> {
  const before = context.problems.count
  const key = (await resolveSecret(context, path, value)).trim()
  const file = secretFile(value)
  if (context.problems.count > before) return undefined
  if (file !== undefined) {
    const absolute = absolutePath(context, path, file)
    const open = await openKeyFile(context, absolute)
    if (open !== undefined) complain(context, path, open)
  }
  const problem = signerKeyProblem(key)
  if (problem !== undefined) {
    complain(context, path, problem)
    return undefined
  }
  if (file === undefined && !context.hidden(path))
    context.warn(
      `${formatKeyPath(path)} is written into the configuration, so that whoever reads that can sign in the log's name: ` +
        'keep it in a file of its own (file:PATH) or a variable (${NAME})',
    )
  return key
}
