import { join } from 'node:path'
import { startBare } from '../bare.ts'
import { compare } from '../compare.ts'
import type { Figure, Row } from '../figure.ts'
import { drain } from '../load.ts'
import { putSized, setScene, warm } from '../scene.ts'

const ROUNDS = 7

/** Zips that are mostly transfer: one that memory holds, one that is sent from disk. */
export const large: Row = {
  name: 'large',
  title: 'Warm large zips, against a bare server',
  async run() {
    const scene = await setScene()
    try {
      const figures: Figure[] = []
      for (const [bytes, fromDisk, atLeast] of [
        [3 << 20, false, 0.95],
        [100 << 20, true, 0.9],
      ] as const) {
        const path = `${putSized(scene.tree, bytes).base}.zip`
        await warm(scene.modstead.url, [path])
        const stored = join(scene.modstead.dataDir, 'public', path)
        const bare = await startBare({
          model: scene.modstead.url,
          paths: [path],
          ...(fromDisk && { fromDisk: stored }),
        })
        try {
          figures.push(
            await compare({
              name: `${bytes >> 20} MiB zip, bare ${fromDisk ? 'reads two 1 MiB buffers' : 'from memory'}`,
              ours: {
                measure: async () => (await drain(scene.modstead.port, path)).bytes,
                pid: scene.modstead.pid,
              },
              theirs: { measure: async () => (await drain(bare.port, path)).bytes, pid: bare.pid },
              rounds: ROUNDS,
              unit: 'MiB/s',
              scale: 1 << 20,
              limit: { atLeast },
            }),
          )
        } finally {
          await bare.close()
        }
      }
      return figures
    } finally {
      await scene.close()
    }
  },
}
