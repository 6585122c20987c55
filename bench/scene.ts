import { fileURLToPath } from 'node:url'
import { readFile } from 'node:fs/promises'
import { createModuleTree, type ModuleTree } from '../test/support/module-tree.ts'
import { startModstead, type Modstead, type ModsteadOptions } from '../test/support/modstead.ts'
import { makeModule, modulePath, putModule } from '../test/support/test-module.ts'
import { startUpstream, type Conditions, type Upstream } from '../test/support/upstream.ts'
import { ask } from '../test/support/http.ts'
import { CPUS } from './pinned.ts'

export interface Scene {
  tree: ModuleTree
  upstream: Upstream
  modstead: Modstead
  close(): Promise<void>
}

/** A modstead on the servers' CPU, without checksum database, in front of a loopback upstream in this process. */
export async function setScene(
  options: {
    tree?: ModuleTree
    conditions?: Partial<Conditions>
    modstead?: ModsteadOptions
    /** The same for what has to name the upstream, which is then in no flag. */
    modsteadOf?: (upstream: string) => ModsteadOptions
  } = {},
): Promise<Scene> {
  const tree = options.tree ?? createModuleTree()
  const upstream = await startUpstream({ tree, ...options.conditions })
  const named = options.modsteadOf?.(upstream.url) ?? { upstream: upstream.url }
  const settings = { ...named, ...(CPUS && { cpu: CPUS.server }), ...options.modstead }
  const modstead = await startModstead(settings).catch(async (error: unknown) => {
    await upstream.close()
    throw error
  })
  return {
    tree,
    upstream,
    modstead,
    async close() {
      await modstead.close()
      await upstream.close()
    },
  }
}

/** Puts a module with a zip of about `bytes` into the tree; gives the path of its files without extension. */
export function putSized(tree: ModuleTree, bytes: number, version = 'v1.0.0'): { base: string; zip: Buffer } {
  const made = makeModule({ module: `bench.example/m${bytes}`, version, bulk: Math.max(0, bytes - 600) })
  putModule(tree, made)
  return { base: modulePath(made), zip: made.zip }
}

/** Asks twice, so that what is asked is stored and, where it fits, remembered. */
export async function warm(url: string, paths: readonly string[], ca?: string): Promise<void> {
  for (const path of [...paths, ...paths]) {
    const { status, complete, body } = await ask(url, path, ca === undefined ? {} : { ca })
    if (status !== 200 || !complete)
      throw new Error(`${path} gave ${status}: ${body.toString('utf8', 0, 500)}`)
  }
}

const FOLDER = fileURLToPath(new URL('../test/testdata/tls/', import.meta.url))

/** The test certificate. */
export const TLS = {
  cert: `${FOLDER}cert.pem`,
  key: `${FOLDER}key.pem`,
  ca: await readFile(`${FOLDER}ca.pem`, 'utf8'),
}
