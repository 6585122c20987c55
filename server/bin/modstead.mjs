#!/usr/bin/env node
// Starts modstead on a Node.js that is new enough. This file is read by whatever Node the machine has, so it is plain
// JavaScript without anything that Node 14 does not know; what it imports in the end is TypeScript for Node 24.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED = 24
const home = dirname(dirname(fileURLToPath(import.meta.url)))

if (Number(process.versions.node.split('.')[0]) >= NEEDED) start()
else startElsewhere()

function start() {
  if (process.env.MODSTEAD_REEXEC) endWithLauncher()
  delete process.env.MODSTEAD_REEXEC
  const cache = module.enableCompileCache().directory
  // Worker threads learn of it through the environment only.
  if (cache) process.env.NODE_COMPILE_CACHE = cache
  import('../src/cli/launch.ts')
    .then((launcher) =>
      launcher.launch(
        () => import('../src/main.ts'),
        () => import('../src/ask-module.ts'),
        () => import('../src/ask-upstream.ts'),
      ),
    )
    .catch((error) => {
      console.error(`modstead: cannot start: ${error.stack}`)
      process.exit(1)
    })
}

/** A clone brings its own Node.js as an npm package: runs that one in place of this, signals and exit code included. */
function startElsewhere() {
  const packaged = packagedNode()
  if (!packaged || process.env.MODSTEAD_REEXEC) {
    console.error(
      `modstead needs Node.js ${NEEDED} or newer, and this is ${process.version}. ` +
        'Install a newer one (nodejs.org), or use "npm start" in a clone of modstead, which brings its own.',
    )
    process.exit(1)
  }
  const env = Object.assign({}, process.env, { MODSTEAD_REEXEC: '1' })
  // Nothing is said over the channel: that it closes tells the other side that this process is gone.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc']
  const child = spawn(packaged, process.argv.slice(1), { stdio, env })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`modstead: cannot run ${packaged}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
}

/** A launcher that is killed passes nothing on, and whoever killed it believes that all of modstead is gone. */
function endWithLauncher() {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // The launcher waits for this process, and not the other way round.
  if (process.channel) process.channel.unref()
}

function packagedNode() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let folder = home; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name, 'bin', file)
    if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return undefined
  }
}
