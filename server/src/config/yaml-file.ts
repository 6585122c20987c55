import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLParseError,
} from 'yaml'
import type { KeyPath, Place, Problems } from './problems.ts'

/** A YAML file as plain values, and where in it each of them stands. */
export interface YamlFile {
  /** A mapping; `{}` for an empty file. */
  value: Record<string, unknown>
  /** Of the value at `path`, or of the nearest thing around it that exists. */
  placeOfValue(path: KeyPath): Place
  /** Of the key at the end of `path`. */
  placeOfKey(path: KeyPath): Place
}

/**
 * Reads YAML 1.2. `name` is the file as messages show it. Mistakes of syntax go to `problems` with line and column,
 * in words of our own: those of the parser may quote the file, which may hold secrets.
 */
export function parseYamlFile(source: string, name: string, problems: Problems): YamlFile {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, source.length))
    return { label: `${name}:${line}:${col}`, line, column: col }
  }
  // After one mistake of syntax the parser misreads what follows: only the first is worth a person's time.
  const broken = document.errors.find((error) => error.code !== 'DUPLICATE_KEY')
  if (broken) problems.add(placeAt(broken.pos[0]), [], syntaxMessage(broken.code))
  for (const error of document.errors)
    if (!broken && error.code === 'DUPLICATE_KEY')
      problems.add(placeAt(error.pos[0]), [], 'this key was given before in the same mapping')
  if (!broken) checkNodes(document, (node, message) => problems.add(placeAt(startOf(node)), [], message))

  const usable = !broken && problems.count === 0 ? document : undefined
  const root: unknown = usable?.toJS({ maxAliasCount: 100 }) ?? {}
  const isMapping = typeof root === 'object' && !Array.isArray(root)
  if (!isMapping)
    problems.add(
      placeAt(startOf(document.contents)),
      [],
      'expected keys and values, such as "listen: 127.0.0.1:6637"',
    )
  return {
    value: isMapping ? (root as Record<string, unknown>) : {},
    placeOfValue: (path) => placeAt(startOf(find(document, path).value)),
    placeOfKey: (path) => {
      const { key, value } = find(document, path)
      return placeAt(startOf(key ?? value))
    },
  }
}

/** Unresolved aliases, which cannot be turned into values, and keys that are no text. */
function checkNodes(document: Document, report: (node: Node, message: string) => void): void {
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined)
        report(
          alias,
          'this alias (*) has no anchor (&) of that name before it; a text that begins with * needs quotes',
        )
    },
    Pair(_, pair) {
      const { key } = pair as Pair<Node>
      if (!isScalar(key) || typeof key.value === 'object') report(key, 'expected a text as the key')
    },
  })
}

/** The pair's key and the value that `path` leads to, or the innermost that exists on the way. */
function find(document: Document, path: KeyPath): { key?: Node; value: Node | null } {
  let value = document.contents
  let key: Node | undefined
  for (const step of path) {
    const container: unknown = isAlias(value) ? value.resolve(document) : value
    if (isMap(container)) {
      const pair = container.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(step),
      )
      if (!pair) break
      key = pair.key as Node
      value = (pair.value as Node | null) ?? key
    } else if (isSeq(container)) {
      const item = container.items[Number(step)]
      if (!item) break
      key = undefined
      value = item as Node
    } else break
  }
  return key ? { key, value } : { value }
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0
}

const SYNTAX: Partial<Record<YAMLParseError['code'], string>> = {
  BAD_ALIAS: 'an alias (*) or anchor (&) has no name; a text that begins with * or & needs quotes',
  BAD_DQ_ESCAPE:
    'unknown escape in a text in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'wrong indentation: entries of one mapping or list must start at the same column',
  BAD_SCALAR_START: 'a text that begins with @ or ` needs quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a second ": " on this line, or an indentation too deep; a text with ": " in it needs quotes',
  BLOCK_IN_FLOW: 'inside [ ] and { } entries are separated by commas',
  MISSING_CHAR:
    'something is not closed or not separated here: a quote, ], } or a comma, or the space after ":" is missing',
  MULTILINE_IMPLICIT_KEY: 'expected "key: value" on this line',
  MULTIPLE_DOCS: 'expected one document, found a second one after "---"',
  TAB_AS_INDENT: 'tabs cannot indent YAML; use spaces',
  TAG_RESOLVE_FAILED: 'tags (!) are not known here; a text that begins with ! needs quotes',
  UNEXPECTED_TOKEN:
    'something stands here that belongs to no key; check quotes, brackets and indentation before it',
}

function syntaxMessage(code: YAMLParseError['code']): string {
  return `YAML syntax: ${SYNTAX[code] ?? 'this cannot be read'}`
}
