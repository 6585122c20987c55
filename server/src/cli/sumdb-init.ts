import { type FileHandle, open, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { generateKey } from '@modstead/gomod/note'
import { stringify } from 'yaml'
import { assignment } from '../config/client-settings.ts'
import { describeFileError } from '../config/file-errors.ts'
import { logNameProblem } from '../config/log-name.ts'
import { shellWord } from '../config/signer-key.ts'
import { ModsteadError } from '../errors.ts'
import { type CommandContext, EXIT } from './context.ts'

export interface InitFlags {
  /** Of the checksum database, a host or a host with a path; or of the witness. */
  name: string
  /** The new key file; default: `sumdb.key`, or `witness.key`. */
  out?: string
  /** It is a witness that gets a key. */
  witness?: boolean
}

/**
 * `modstead sumdb init`: a new signer key in a file of its own, and what to do with it. Throws `config_invalid` for a
 * name that no checksum database can have and for a file that exists or cannot be made, `store_unavailable` where it
 * could not be written to the end.
 */
export async function initSumdb(flags: InitFlags, context: CommandContext): Promise<number> {
  const { name, witness = false, out = witness ? 'witness.key' : 'sumdb.key' } = flags
  const problem = logNameProblem(name)
  if (problem !== undefined) throw witness ? badWitnessName(name) : badLogName(problem)
  const path = resolve(context.cwd, out)
  const { skey, vkey } = generateKey(name)
  await writeKey(path, `${skey}\n`)
  context.stdout.write(
    witness
      ? witnessInstructions({ name, path, key: witnessKeyOf(skey) })
      : instructions({ name, path, vkey }),
  )
  return EXIT.ok
}

function badLogName(problem: string): ModsteadError {
  return new ModsteadError('config_invalid', `--name: ${problem}`, {
    next: 'clients keep the name for as long as they trust the log: choose one that stays yours',
  })
}

function badWitnessName(name: string): ModsteadError {
  return new ModsteadError('config_invalid', `--name: ${JSON.stringify(name)} cannot name a witness`, {
    next: 'choose a host or host/path that stays yours, best the address of the witness: witness.corp.example',
  })
}

function witnessInstructions({ name, path, key }: { name: string; path: string; key: string }): string {
  const yaml = stringify(
    { checksumLog: { witnesses: [{ key, url: `https://${name}` }] } },
    { lineWidth: 0, defaultKeyType: 'PLAIN' },
  )
  return `The signer key of the witness ${name} is in ${path}. Only its owner may read it: that must be the witness's user.

Its verifier key, for whoever runs a log:

  ${key}

To run it, with the verifier keys of the logs, on a machine that shares no disk and no backup with theirs:

  modstead sumdb witness --key ${shellWord(path)} --log "VERIFIER KEY" --state witness-state --listen :6638

For the configuration of a log, with the address at which the witness is reached:

${indented(yaml)}`
}

function instructions({ name, path, vkey }: { name: string; path: string; vkey: string }): string {
  // What a reference to a variable would be is escaped, as in any text of the configuration.
  const key = `file:${path.replaceAll('${', '$${')}`
  const highWater = '/mnt/other-disk/modstead-high-water'
  const yaml = stringify({ checksumLog: { key, highWater } }, { lineWidth: 0 })
  return `The signer key of ${name} is in ${path}. Only its owner may read it: that must be modstead's user.

Its verifier key, for clients and auditors:

  ${vkey}

For the configuration, with highWater on another disk than the data folder:

${indented(yaml)}
For clients, besides GOPROXY:

  go env -w ${assignment({ name: 'GOSUMDB', value: vkey })}
  go env -w GONOSUMDB=
`
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}

/** Nothing is overwritten; when it settles, the file is on the disk whole, or there is none. */
async function writeKey(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((cause: unknown) => {
    throw cannotMake(path, cause)
  })
  try {
    await writeDurably(file, text)
    await syncFolder(dirname(path))
  } catch (cause) {
    await unlink(path)
    throw new ModsteadError('store_unavailable', describeFileError(path, cause, 'write'), {
      next: 'no key was made: name another place with --out',
      cause,
    })
  }
}

async function writeDurably(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** So that the name of the file lasts, too. Windows has no such thing, and refuses to open folders. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function cannotMake(path: string, cause: unknown): ModsteadError {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'EEXIST')
    return new ModsteadError(
      'config_invalid',
      `there is a file ${path} already, and no key is ever overwritten`,
      {
        next: '"modstead sumdb key FILE" tells whose key it is; name another file with --out',
        cause,
      },
    )
  const problem =
    code === 'ENOENT' ? `there is no folder ${dirname(path)}` : describeFileError(path, cause, 'write')
  return new ModsteadError('config_invalid', `--out: ${problem}`, {
    next: 'name a file in a folder that exists and that you may write to',
    cause,
  })
}
