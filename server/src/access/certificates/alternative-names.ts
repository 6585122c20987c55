/** One name of a certificate's extension subjectAltName (RFC 5280, section 4.2.1.6). */
export interface AlternativeName {
  /** `DNS`, `email`, `URI`, `IP Address` and others, as node writes them. */
  type: string
  value: string
}

/**
 * Takes apart what node gives as `X509Certificate.subjectAltName`: `TYPE:VALUE` joined by `, `, where a value that
 * could be taken for something else stands in quotes as a JSON string. Gives `undefined` for what does not have that
 * form: a name in it must never be found by luck.
 */
export function parseAlternativeNames(text: string | undefined): AlternativeName[] | undefined {
  if (text === undefined) return []
  const names: AlternativeName[] = []
  const entry = /([A-Za-z][A-Za-z0-9 ]*):(?:"((?:[^"\\]|\\.)*)"|([^",]*))(?:, |$)/y
  while (entry.lastIndex < text.length) {
    const [, type, quoted, plain] = entry.exec(text) ?? []
    if (type === undefined) return undefined
    const value = quoted === undefined ? plain : unquoted(quoted)
    if (value === undefined) return undefined
    names.push({ type, value })
  }
  return text.endsWith(', ') ? undefined : names
}

function unquoted(inner: string): string | undefined {
  try {
    return JSON.parse(`"${inner}"`) as string
  } catch {
    return undefined
  }
}
