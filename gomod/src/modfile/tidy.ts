/** The standard form of a go.mod file's syntax: sorted, without duplicates, every block with two lines or more. */
import { compareText } from '../order.ts'
import { compare } from '../semver.ts'
import type { GoMod } from './file.ts'
import type { Block, Line, Statement, SyntaxTree } from './syntax.ts'

/** A new tree in standard form. The one of `mod` stays as it is, but shares what is not different. */
export function tidySyntax(mod: GoMod): SyntaxTree {
  const duplicates = findDuplicates(mod)
  const byPrecedence = mod.go !== undefined && compare(`v${mod.go.version}`, 'v1.21') >= 0
  const statements: Statement[] = []
  for (const statement of mod.syntax.statements) {
    if (statement.kind === 'comments') statements.push(statement)
    else if (statement.kind === 'line') {
      if (!duplicates.has(statement)) statements.push(statement)
    } else {
      const lines = statement.lines
        .filter((line) => !duplicates.has(line))
        .sort(orderOf(statement, byPrecedence))
      if (lines.length > 0) statements.push(collapse({ ...statement, lines }))
    }
  }
  return { before: mod.syntax.before, statements }
}

/**
 * The lines that say again what another says: later exclude, tool and ignore directives, but earlier replace
 * directives, for of those the last one counts. Requirements stay, since choosing among versions is not our part;
 * and retractions, since each has its own rationale.
 */
function findDuplicates(mod: GoMod): Set<Line> {
  const duplicates = new Set<Line>()
  function find<T extends { readonly syntax: Line }>(
    directives: Iterable<T>,
    key: (directive: T) => string,
  ): void {
    const seen = new Set<string>()
    for (const directive of directives) {
      if (seen.has(key(directive))) duplicates.add(directive.syntax)
      seen.add(key(directive))
    }
  }
  find(mod.exclude, ({ path, version }) => JSON.stringify([path, version]))
  find(mod.replace.toReversed(), ({ old }) => JSON.stringify([old.path, old.version]))
  find(mod.tool, ({ path }) => path)
  find(mod.ignore, ({ path }) => path)
  return duplicates
}

/** A block of one line becomes that line, unless comments stand above its closing parenthesis. */
function collapse(block: Block): Statement {
  const [line, ...more] = block.lines
  if (line === undefined || more.length > 0 || block.close.before.length > 0) return block
  return {
    ...line,
    tokens: [...block.tokens, ...line.tokens],
    before: [...block.before, ...line.before],
    suffix: [...line.suffix, ...block.suffix],
  }
}

type LineOrder = (a: Line, b: Line) => number

/** Since go 1.21 exclude directives are sorted by the precedence of versions, before that by their text. */
function orderOf(block: Block, byPrecedence: boolean): LineOrder {
  if (block.tokens[0] === 'exclude' && byPrecedence) return compareExcludes
  return block.tokens[0] === 'retract' ? compareRetractions : compareTokens
}

function compareTokens({ tokens: a }: Line, { tokens: b }: Line): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareText(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareExcludes(a: Line, b: Line): number {
  if (a.tokens.length !== 2 || b.tokens.length !== 2) return compareTokens(a, b)
  return compareText(a.tokens[0]!, b.tokens[0]!) || compare(a.tokens[1]!, b.tokens[1]!)
}

/** The newest first. */
function compareRetractions(a: Line, b: Line): number {
  const [aLow, aHigh] = boundsOf(a)
  const [bLow, bHigh] = boundsOf(b)
  return compare(bLow, aLow) || compare(bHigh, aHigh)
}

function boundsOf({ tokens }: Line): [low: string, high: string] {
  if (tokens.length === 1) return [tokens[0]!, tokens[0]!]
  const bracketed = tokens.length === 5 && tokens[0] === '[' && tokens[2] === ',' && tokens[4] === ']'
  return bracketed ? [tokens[1]!, tokens[3]!] : ['', '']
}
