import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/modstead.ts'
import { sharedModuleCache, type ModuleCache } from '../../test/support/module-cache.ts'
import { createModuleTree } from '../../test/support/module-tree.ts'
import { compare } from '../compare.ts'
import { Unavailable, type Row } from '../figure.ts'
import { runGo } from '../go-run.ts'
import { CPUS, pinned, stopChild } from '../pinned.ts'
import { setScene } from '../scene.ts'

const ROUNDS = 9

/** The everyday case: a new checkout on a build machine, everything stored. */
export const nginx: Row = {
  name: 'nginx',
  title: 'go mod download, empty module cache, warm, against nginx with the same tree',
  async run() {
    const cache = await sharedModuleCache()
    const server = await startNginx(cache.download)
    const scene = await setScene({ tree: createModuleTree(cache.download) })
    try {
      const figure = await compare({
        name: 'time, of nginx',
        ours: { measure: () => download(cache, scene.modstead.url) },
        theirs: { measure: () => download(cache, server.url) },
        rounds: ROUNDS,
        unit: 's',
        limit: { atMost: 1.05 },
      })
      return [figure]
    } finally {
      await scene.close()
      await server.close()
    }
  },
}

async function download(cache: ModuleCache, proxy: string): Promise<number> {
  const cpus = CPUS && { cpus: String(CPUS.load) }
  return (await runGo({ cache, proxy, args: ['mod', 'download'], ...cpus })).took
}

async function startNginx(root: string) {
  if (spawnSync('nginx', ['-v']).error)
    throw new Unavailable('nginx is missing: node scripts/tools.ts installs it')
  const folder = await mkdtemp(join(tmpdir(), 'modstead-nginx-'))
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const configuration = `
daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 512; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; open_file_cache max=2000;
  ${temporary.map((name) => `${name}_temp_path ${folder};`).join(' ')}
  server { listen 127.0.0.1:${port}; root ${root}; }
}
`
  await writeFile(join(folder, 'nginx.conf'), configuration)
  const [file = '', ...args] = pinned('server', [
    'nginx',
    '-p',
    folder,
    '-e',
    'stderr',
    '-c',
    join(folder, 'nginx.conf'),
  ])
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; !(await fetch(url).catch(() => undefined)); tries++) {
    if (tries > 100) throw new Error('nginx did not start')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url,
    async close() {
      await stopChild(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
