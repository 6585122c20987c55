/** Texts of one claim: a list of texts has several, everything else one. */
export type FlatClaims = ReadonlyMap<string, readonly string[]>

/** So many claims are looked at, so deep, and so long in UTF-16 units. Others cannot be asked for. */
const MOST = { claims: 200, depth: 4, texts: 100, length: 1024 }

/**
 * The claims of a token as rules name them: objects are opened with `/` (`kubernetes.io/namespace`), numbers and booleans
 * are their texts. What is longer than 1024 characters is left out: cut, it could fit what it does not say.
 */
export function flatClaims(payload: Readonly<Record<string, unknown>>): FlatClaims {
  const flat = new Map<string, readonly string[]>()

  function add(name: string, value: unknown, depth: number): void {
    if (flat.size >= MOST.claims) return
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      if (depth < MOST.depth)
        for (const [key, inner] of Object.entries(value)) add(`${name}/${key}`, inner, depth + 1)
      return
    }
    const texts = (Array.isArray(value) ? value.slice(0, MOST.texts) : [value]).flatMap(textOf)
    // The first one counts: {"a/b": …, "a": {"b": …}} says one thing only.
    if (texts.length > 0 && !flat.has(name)) flat.set(name, texts)
  }

  for (const [name, value] of Object.entries(payload)) add(name, value, 1)
  return flat
}

function textOf(value: unknown): string[] {
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  const text = plain ? String(value) : ''
  return plain && text.length <= MOST.length ? [text] : []
}

/** Those that tell a person which rule should fit: no ids of the token itself, and no more than a screen. */
export function shownClaims(claims: FlatClaims): Record<string, string> {
  const left = [...claims].filter(([name]) => !HIDDEN.has(name)).slice(0, 60)
  return Object.fromEntries(left.map(([name, texts]) => [name, texts.join(', ').slice(0, 200)]))
}

const HIDDEN: ReadonlySet<string> = new Set(['jti', 'nonce', 'at_hash', 'c_hash'])
