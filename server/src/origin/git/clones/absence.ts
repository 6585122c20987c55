import { BrokenClone } from './clone.ts'

/** The mode of a folder in a tree, and that of a submodule: a commit of another repository. */
const FOLDER = '40000'
const SUBMODULE = '160000'

/**
 * Checks that a commit really lacks these files. Git says the same of a path that a commit does not have and of one
 * whose contents are lost; a module whose go.mod was lost would become another module. Throws `BrokenClone` where a tree
 * names what is not here.
 */
export async function checkAbsent(
  paths: readonly string[],
  commit: {
    hash: string
    /** The bytes of the tree with this name; `undefined` where it is not here. */
    read(name: string): Promise<Buffer | undefined>
  },
): Promise<void> {
  const trees = new Map<string, Map<string, string>>()

  async function entriesOf(folder: string): Promise<Map<string, string>> {
    const known = trees.get(folder)
    if (known !== undefined) return known
    const tree = await commit.read(folder === '' ? `${commit.hash}^{tree}` : `${commit.hash}:${folder}`)
    if (tree === undefined) throw new BrokenClone(`the folder ${folder || '/'} of ${commit.hash} is lost`)
    const entries = modesIn(tree, commit.hash.length / 2)
    trees.set(folder, entries)
    return entries
  }

  for (const path of paths) {
    const names = path.split('/')
    for (let depth = 0; depth < names.length; depth++) {
      const mode = (await entriesOf(names.slice(0, depth).join('/'))).get(names[depth]!)
      const isLast = depth === names.length - 1
      if (isLast && mode !== undefined && mode !== SUBMODULE)
        throw new BrokenClone(`the contents of ${path} in ${commit.hash} are lost`)
      if (mode !== FOLDER) break
    }
  }
}

/** Modes by name of a raw tree: `MODE NAME\0` and the bytes of a hash for each entry. */
function modesIn(tree: Buffer, hashBytes: number): Map<string, string> {
  const modes = new Map<string, string>()
  for (let at = 0; at < tree.length;) {
    const space = tree.indexOf(0x20, at)
    const end = tree.indexOf(0, space)
    if (space < 0 || end < 0) throw new BrokenClone('a tree cannot be read')
    modes.set(tree.toString('utf8', space + 1, end), tree.toString('latin1', at, space))
    at = end + 1 + hashBytes
  }
  return modes
}
