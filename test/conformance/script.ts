import { readFile } from 'node:fs/promises'

/** One request and what must come of it. */
export interface Case {
  name: string
  line: number
  request: string
  headers: [string, string][]
  statuses: number[]
  expectations: Expectation[]
}

export type Expectation =
  | { kind: 'header'; name: string; value: string | RegExp | undefined }
  | { kind: 'body'; lines: string[] }
  | { kind: 'matches'; pattern: RegExp }
  | { kind: 'bytes'; count: number }
  | { kind: 'upstream'; requests: string[] }

export interface Script {
  config: string
  env: Record<string, string>
  cases: Case[]
}

/** Reads a conformance script; README.md explains the format. Throws with the line of what it does not understand. */
export async function readScript(path: string): Promise<Script> {
  const script: Script = { config: '', env: {}, cases: [] }
  const lines = (await readFile(path, 'utf8')).split('\n')
  for (const [index, line] of lines.entries()) {
    const current = script.cases.at(-1)
    if (line.trim() === '' || line.startsWith('#')) continue
    if (line.startsWith('@env ')) {
      const [name = '', ...value] = line.slice(5).split('=')
      script.env[name] = value.join('=')
    } else if (line.startsWith('@ ')) script.config += `${line.slice(2)}\n`
    else if (line.startsWith('== '))
      script.cases.push({
        name: line.slice(3),
        line: index + 1,
        request: '',
        headers: [],
        statuses: [],
        expectations: [],
      })
    else if (current === undefined || !readPart(current, line))
      throw new Error(`${path}:${index + 1}: this line means nothing here: ${line}`)
  }
  return script
}

/** Adds one line to a case; false if it does not belong to one. */
function readPart(current: Case, line: string): boolean {
  if (current.request === '' && /^\S/.test(line)) {
    current.request = line
    return true
  }
  if (line.startsWith('-> ')) {
    current.statuses = line.slice(3).split(' or ').map(Number)
    return current.statuses.every((status) => status >= 100)
  }
  if (!line.startsWith('  ')) return false
  const text = line.slice(2)
  const header = /^([A-Za-z-]+): ?(.*)$/.exec(text)
  if (current.statuses.length === 0) {
    if (header !== null) current.headers.push([header[1]!, header[2]!])
    return header !== null
  }
  const expectation = readExpectation(current, text, header)
  if (expectation === undefined) return false
  current.expectations.push(expectation)
  return true
}

function readExpectation(
  current: Case,
  text: string,
  header: RegExpExecArray | null,
): Expectation | undefined {
  const last = current.expectations.at(-1)
  if (text.startsWith('|')) {
    const line = text.slice(2)
    if (last?.kind !== 'body') return { kind: 'body', lines: [line] }
    current.expectations.pop()
    return { kind: 'body', lines: [...last.lines, line] }
  }
  if (text.startsWith('~ ')) return { kind: 'matches', pattern: readPattern(text.slice(2))! }
  if (text.startsWith('bytes ')) return { kind: 'bytes', count: Number(text.slice(6)) }
  if (text.startsWith('upstream ')) {
    const what = text.slice(9)
    if (what === 'none') return { kind: 'upstream', requests: [] }
    if (last?.kind !== 'upstream') return { kind: 'upstream', requests: [what] }
    current.expectations.pop()
    return { kind: 'upstream', requests: [...last.requests, what] }
  }
  if (header === null) return undefined
  const [, name = '', value = ''] = header
  const wanted = value === 'absent' ? undefined : (readPattern(value) ?? value)
  return { kind: 'header', name: name.toLowerCase(), value: wanted }
}

function readPattern(text: string): RegExp | undefined {
  const [, source, flags] = /^\/(.*)\/([a-z]*)$/.exec(text) ?? []
  return source === undefined ? undefined : new RegExp(source, flags)
}

/** The bytes that a request line or header of a script stands for. */
export function expand(text: string, before: Readonly<Record<string, string>>): string {
  return text
    .replace(/\{(etag|last-modified)\}/g, (_, name: string) => before[name] ?? '')
    .replace(/\{(.)\*(\d+)\}/g, (_, letter: string, count: string) => letter.repeat(Number(count)))
    .replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
