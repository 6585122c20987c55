/** Editing the requirements of a go.mod file as a whole, as `go get` and `go mod tidy` do. */
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import type { ModuleVersion } from '../version.ts'
import { commentText, isIndirect } from './comments.ts'
import { change } from './edit.ts'
import type { GoMod, RequireDirective } from './file.ts'
import { autoQuote } from './quoting.ts'
import { type Block, type Commented, type Line, NOWHERE, type SyntaxTree } from './syntax.ts'
import { addLine, isInBlock, makeBlock, newBlock, newLine, removeLines } from './tree.ts'

/** A requirement to set. */
export interface Requirement extends ModuleVersion {
  /** Whether nothing in the module itself imports a package of it; `false` if absent. */
  readonly indirect?: boolean
}

/**
 * Makes the requirements exactly these. The lines of modules that stay keep their place and comments, but for the
 * `// indirect` mark; new ones go to the last block. Throws GomodError `invalid_gomod` for two versions of a module.
 */
export function setRequirements(mod: GoMod, requirements: Iterable<Requirement>): GoMod {
  const wanted = byPath(requirements)
  return change(mod, (copy, tree) => {
    const kept = keepFirst(copy, tree, wanted)
    for (const requirement of wanted.values()) {
      if (kept.has(requirement.path)) continue
      const { path, version, indirect = false } = requirement
      setIndirect(addLine(tree, undefined, ['require', autoQuote(path), autoQuote(version)]), indirect)
    }
  })
}

/**
 * Makes the requirements exactly these as `setRequirements` does, in two blocks, one for direct and one for indirect
 * requirements, which is the form that `go mod tidy` keeps since go 1.17. Lines are moved between these two, but not
 * out of other blocks that somebody has commented; a single block without comments is split.
 */
export function setSeparateRequirements(mod: GoMod, requirements: Iterable<Requirement>): GoMod {
  const wanted = byPath(requirements)
  return change(mod, (copy, tree) => {
    const blockOf = blocksByLine(tree)
    const { direct, indirect, isOneForAll } = separateBlocks(tree)
    const kept = keepFirst(copy, tree, wanted)
    for (const { syntax: line } of kept.values()) {
      const [target, other] = isIndirect(line) ? [indirect, direct] : [direct, indirect]
      if (isOneForAll || blockOf.get(line) === other) moveTo(tree, target, line)
    }
    for (const { path, version, indirect: isIndirectOnly = false } of wanted.values()) {
      if (kept.has(path)) continue
      const line = newLine([autoQuote(path), autoQuote(version)])
      setIndirect(line, isIndirectOnly)
      ;(isIndirectOnly ? indirect : direct).lines.push(line)
    }
  })
}

function byPath(requirements: Iterable<Requirement>): Map<string, Requirement> {
  const map = new Map<string, Requirement>()
  for (const requirement of requirements) {
    const { path, version } = requirement
    const other = map.get(path)?.version ?? version
    if (other !== version) {
      throw new GomodError(
        'invalid_gomod',
        `two versions of ${shown(path)} are required, ${other} and ${version}`,
      )
    }
    map.set(path, requirement)
  }
  return map
}

/** Updates the first line of each wanted module and removes all other requirements; gives the lines that are left. */
function keepFirst(
  copy: GoMod,
  tree: SyntaxTree,
  wanted: ReadonlyMap<string, Requirement>,
): Map<string, RequireDirective> {
  const kept = new Map<string, RequireDirective>()
  const dropped = new Set<Line>()
  for (const required of copy.require) {
    const requirement = wanted.get(required.path)
    if (requirement === undefined || kept.has(required.path)) {
      dropped.add(required.syntax)
      continue
    }
    kept.set(required.path, required)
    setVersion(tree, required.syntax, requirement.version)
    setIndirect(required.syntax, requirement.indirect ?? false)
  }
  removeLines(tree, dropped)
  return kept
}

function setVersion(tree: SyntaxTree, line: Line, version: string): void {
  const inBlock = isInBlock(tree, line)
  line.tokens[inBlock ? 1 : 2] = autoQuote(version)
  // Lines that were set apart by a blank line alone are sorted in with the others.
  if (inBlock && line.before.length === 1 && line.before[0]!.text === '') line.before = []
}

function setIndirect(line: Line, indirect: boolean): void {
  if (isIndirect(line) === indirect) return
  const [comment, ...others] = line.suffix
  const text = comment === undefined ? '' : commentText(comment)
  if (indirect) {
    const marked = text === '' ? '// indirect' : `// indirect; ${text}`
    line.suffix = [{ text: marked, position: comment?.position ?? NOWHERE }, ...others]
  } else if (text === 'indirect') {
    line.suffix = []
  } else if (comment !== undefined) {
    line.suffix = [{ ...comment, text: `//${text.slice('indirect;'.length)}` }, ...others]
  }
}

/** The blocks for direct and for indirect requirements, made if there are none, and whether one block had them all. */
function separateBlocks(tree: SyntaxTree): { direct: Block; indirect: Block; isOneForAll: boolean } {
  const places = tree.statements.flatMap((statement, i) => {
    return statement.kind !== 'comments' && statement.tokens[0] === 'require' ? [i] : []
  })
  const last = places.at(-1)
  let directAt = places.findLast((i) => holdsOnly(tree.statements[i]!, false)) ?? -1
  let indirectAt = places.findLast((i) => holdsOnly(tree.statements[i]!, true)) ?? -1
  const isOneForAll = places.length === 1 && !isCommented(tree.statements[last!]!)
  if (directAt < 0) {
    directAt = indirectAt >= 0 ? indirectAt : last === undefined ? tree.statements.length : last + 1
    if (indirectAt >= 0) indirectAt++
    tree.statements.splice(directAt, 0, newBlock('require', []))
  }
  if (indirectAt < 0) {
    indirectAt = directAt + 1
    tree.statements.splice(indirectAt, 0, newBlock('require', []))
  }
  return { direct: blockAt(tree, directAt), indirect: blockAt(tree, indirectAt), isOneForAll }
}

/** Whether a statement has requirements of one sort only, and none with a comment. */
function holdsOnly(statement: SyntaxTree['statements'][number], indirect: boolean): boolean {
  if (isCommented(statement)) return false
  if (statement.kind === 'line') return isIndirect(statement) === indirect
  if (statement.kind === 'comments' || statement.lines.length === 0) return false
  return statement.lines.every((line) => !isCommented(line) && isIndirect(line) === indirect)
}

/** Whether there are comments beyond the `// indirect` mark. */
function isCommented({ before, suffix }: Commented): boolean {
  return before.length > 0 || suffix.some((comment, i) => i > 0 || commentText(comment) !== 'indirect')
}

function blockAt(tree: SyntaxTree, i: number): Block {
  const statement = tree.statements[i]!
  const block = statement.kind === 'line' ? makeBlock(statement) : statement
  if (block.kind === 'comments') throw new TypeError('comments are no block of requirements')
  tree.statements[i] = block
  return block
}

function blocksByLine(tree: SyntaxTree): Map<Line, Block> {
  const map = new Map<Line, Block>()
  for (const statement of tree.statements) {
    if (statement.kind === 'block') for (const line of statement.lines) map.set(line, statement)
  }
  return map
}

function moveTo(tree: SyntaxTree, block: Block, line: Line): void {
  if (!isInBlock(tree, line)) line.tokens.shift()
  removeLines(tree, new Set([line]))
  block.lines.push(line)
}
