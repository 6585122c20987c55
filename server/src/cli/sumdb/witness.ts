import { access, constants, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createCosigner, witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { GomodError } from '@modstead/gomod/error'
import { parseVerifierKey, type Verifier, verifierKeyOf } from '@modstead/gomod/note'
import { parseListenAddress } from '../../config/address.ts'
import type { ListenAddress, TlsConfig } from '../../config/config.ts'
import { describeFileError } from '../../config/file-errors.ts'
import { ModsteadError } from '../../errors.ts'
import { openWitnessServer, type WitnessServer } from '../../http/witness-server.ts'
import { createObserver } from '../../observe/create-observer.ts'
import type { Logger } from '../../observe/observer.ts'
import { openWitnessFile } from '../../store/witness-file.ts'
import { createWitnessOfOthers } from '../../sumdb/witness-of-others.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { type EndWatch, watchForEnd } from '../process-end.ts'
import { readKeyFile } from './key-file.ts'

export interface WitnessFlags {
  /** File with the witness's signer key. */
  key: string
  /** Verifier keys of the logs. */
  log: readonly string[]
  /** File that remembers the heads. */
  state: string
  listen: string
  /** PEM files: both or none. */
  tlsCert?: string
  tlsKey?: string
}

/** How long running requests may take at the end. Milliseconds. */
const GRACE = 5_000

/**
 * `modstead sumdb witness`: cosigns the heads of logs that others run, until SIGTERM or SIGINT (exit code 0). Throws
 * `config_invalid` for flags or keys that cannot be used, `data_folder` where another witness has the state,
 * `log_refused` for a state that is damaged, `store_unavailable`, `listen_failed`.
 */
export async function runWitness(flags: WitnessFlags, context: CommandContext): Promise<number> {
  const { stdout, cwd, events } = context
  const logs = flags.log.map(parseLogKey)
  const address = parseAddress(flags.listen)
  const tls = await tlsOf(flags, cwd)
  const skey = await readKeyFile(resolve(cwd, flags.key))
  refuseLogKey(skey, flags.log)
  const state = resolve(cwd, flags.state)
  await requireFolder(state)
  const isTTY = stdout.isTTY === true
  const observer = createObserver({ level: 'info', format: 'auto' }, { stdout, isTTY })
  const { log } = observer
  const file = openWitnessFile(state)
  const watch = watchForEnd(events)
  try {
    const cosigner = createCosigner(skey, () => Math.floor(Date.now() / 1_000))
    const witness = await createWitnessOfOthers({ cosigner, logs, memory: file, log })
    if (witness.isNew)
      log.warn({ state }, 'there was no state: this witness begins without any memory of the logs')
    const key = witnessKeyOf(skey)
    const server = await openWitnessServer({ address, tls, witness, key, name: cosigner.name, log })
    log.info(
      {
        address: server.address,
        key,
        logs: witness.logs().map(({ name, head }) => `${name} ${head?.size ?? 0}`),
      },
      `the witness ${cosigner.name} listens`,
    )
    return await untilEnd(server, watch, log)
  } finally {
    file.close()
    watch.dispose()
    log.flush()
  }
}

async function untilEnd(server: WitnessServer, watch: EndWatch, log: Logger): Promise<number> {
  const end = await watch.first
  if (end.kind === 'crash') log.error({ error: end.error, event: end.event }, 'an error that nobody handled')
  const timer = new AbortController()
  const stopped = await Promise.race([
    server.stop(GRACE).then(() => true),
    watch.second.then(() => false),
    delay(2 * GRACE, false, { signal: timer.signal }),
  ])
  timer.abort()
  log.info({}, stopped ? 'stopped' : 'stopped at once; requests were cut off')
  return stopped && end.kind === 'signal' ? EXIT.ok : EXIT.failure
}

function parseLogKey(vkey: string): Verifier {
  try {
    return parseVerifierKey(vkey)
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError('config_invalid', `--log: ${error.message}`, {
      next: 'write the verifier key that clients of the log have in GOSUMDB: name+hash+base64',
    })
  }
}

/** Whoever has a log's key must not vouch for it. */
function refuseLogKey(skey: string, logs: readonly string[]): void {
  const publicKey = (vkey: string): string => vkey.split('+').slice(2).join('+')
  const own = publicKey(verifierKeyOf(skey))
  if (!logs.some((log) => publicKey(log) === own)) return
  throw new ModsteadError('config_invalid', '--key is the key of a log that is to be witnessed', {
    next: 'make a key for the witness alone: modstead sumdb init --witness --name NAME',
  })
}

function parseAddress(text: string): ListenAddress {
  const address = parseListenAddress(text)
  if (address !== undefined) return address
  throw new ModsteadError(
    'config_invalid',
    `--listen: ${JSON.stringify(text)} is not an address to listen at`,
    {
      next: 'write it as in --listen 127.0.0.1:6638, --listen :6638 or --listen unix:/run/witness.sock',
    },
  )
}

async function tlsOf({ tlsCert, tlsKey }: WitnessFlags, cwd: string): Promise<TlsConfig | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new ModsteadError('config_invalid', 'a certificate needs its key, and a key its certificate', {
      next: 'name both with --tls-cert and --tls-key, or none',
    })
  const files = { cert: resolve(cwd, tlsCert), key: resolve(cwd, tlsKey) }
  await requireReadable('--tls-cert', files.cert)
  await requireReadable('--tls-key', files.key)
  return { ...files, minVersion: 'TLSv1.2' }
}

async function requireReadable(flag: string, path: string): Promise<void> {
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw new ModsteadError('config_invalid', `${flag}: ${describeFileError(path, cause)}`, {
      next: 'name a PEM file that the user of the witness may read',
      cause,
    })
  })
}

async function requireFolder(state: string): Promise<void> {
  const folder = dirname(state)
  const problem = await stat(folder).then(
    (facts) => (facts.isDirectory() ? undefined : `${folder} is not a folder`),
    (cause: NodeJS.ErrnoException) =>
      cause.code === 'ENOENT' ? `there is no folder ${folder}` : describeFileError(folder, cause),
  )
  if (problem !== undefined)
    throw new ModsteadError('config_invalid', `--state: ${problem}`, {
      next: 'name a file in a folder that exists and that you may write to',
    })
}
