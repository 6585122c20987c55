/** Start and end tags of a web page, as a lenient reader of XML sees them. Names are in lower case, without prefixes. */
export type Tag =
  | { kind: 'start'; name: string; attributes: ReadonlyMap<string, string> }
  | { kind: 'end'; name: string }

const NAME = /[\p{L}_:][\p{L}\p{N}_:.-]*/uy
const SPACE = /[ \t\r\n]*/y
const UNQUOTED = /[A-Za-z0-9_:-]*/y

/** The tags in order. Ends without a word at what cannot be read, as the page itself may end anywhere. */
export function* elementsOf(page: string): Generator<Tag, void> {
  let at = page.indexOf('<')
  while (at >= 0) {
    const end = skipped(page, at)
    if (end === undefined) {
      const tag = readTag(page, at)
      if (tag === undefined) return
      yield tag.tag
      at = page.indexOf('<', tag.end)
    } else {
      if (end < 0) return
      at = page.indexOf('<', end)
    }
  }
}

/** Where a comment, an instruction or a declaration at `at` ends; -1 where it never does, `undefined` for a tag. */
function skipped(page: string, at: number): number | undefined {
  if (page.startsWith('<!--', at)) return after(page, '-->', at + 4)
  if (page.startsWith('<![CDATA[', at)) return after(page, ']]>', at)
  if (page.startsWith('<!', at)) return endOfDeclaration(page, at + 2)
  if (!page.startsWith('<?', at)) return undefined
  const end = after(page, '?>', at)
  const encoding = /\sencoding\s*=\s*["']([^"']*)["']/.exec(page.slice(at, Math.min(end, at + 1024)))?.[1]
  return encoding === undefined || /^(utf-8|ascii)$/i.test(encoding) ? end : -1
}

function after(page: string, text: string, from: number): number {
  const found = page.indexOf(text, from)
  return found < 0 ? -1 : found + text.length
}

/** `<!DOCTYPE …>` may have angle brackets inside, and quotes that hide them. */
function endOfDeclaration(page: string, from: number): number {
  let depth = 1
  let quote = ''
  for (let i = from; i < page.length; i++) {
    const character = page[i]!
    if (quote !== '') quote = character === quote ? '' : quote
    else if (character === '"' || character === "'") quote = character
    else if (character === '<') depth++
    else if (character === '>' && --depth === 0) return i + 1
  }
  return -1
}

function readTag(page: string, at: number): { tag: Tag; end: number } | undefined {
  const closing = page[at + 1] === '/'
  const name = take(NAME, page, at + (closing ? 2 : 1))
  if (name === undefined || name.text === '') return undefined
  if (closing) {
    const end = page.indexOf('>', name.end)
    return end < 0 ? undefined : { tag: { kind: 'end', name: localName(name.text) }, end: end + 1 }
  }
  const attributes = new Map<string, string>()
  for (let i = name.end; ;) {
    i = take(SPACE, page, i)!.end
    if (page[i] === '>' || page.startsWith('/>', i)) {
      const tag: Tag = { kind: 'start', name: localName(name.text), attributes }
      return { tag, end: page.indexOf('>', i) + 1 }
    }
    const attribute = readAttribute(page, i)
    if (attribute === undefined) return undefined
    i = attribute.end
    if (!attributes.has(attribute.name)) attributes.set(attribute.name, attribute.value)
  }
}

function readAttribute(page: string, at: number): { name: string; value: string; end: number } | undefined {
  const name = take(NAME, page, at)
  if (name === undefined) return undefined
  const equals = take(SPACE, page, name.end)!.end
  const local = localName(name.text)
  if (page[equals] !== '=') return { name: local, value: name.text, end: name.end }
  const start = take(SPACE, page, equals + 1)!.end
  const quote = page[start]
  if (quote !== '"' && quote !== "'") {
    const { text, end } = take(UNQUOTED, page, start)!
    return { name: local, value: text, end }
  }
  const end = page.indexOf(quote, start + 1)
  const raw = page.slice(start + 1, end)
  return end < 0 || raw.includes('<')
    ? undefined
    : { name: local, value: withoutReferences(raw), end: end + 1 }
}

function take(pattern: RegExp, page: string, at: number): { text: string; end: number } | undefined {
  pattern.lastIndex = at
  const text = pattern.exec(page)?.[0]
  return text === undefined ? undefined : { text, end: at + text.length }
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1).toLowerCase()
}

const CHARACTERS = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** The text with its character references replaced; those that stand for nothing stay. */
function withoutReferences(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,4}));/g, (whole, ...groups) => {
    const [decimal, hex, name] = groups as (string | undefined)[]
    if (name !== undefined) return CHARACTERS.get(name) ?? whole
    const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
