import { isVisible } from '@modstead/gomod/quote'

/** `win32` gets lines for PowerShell, everything else for a POSIX shell. */
export type Platform = NodeJS.Platform

/** A word of a command line that means `text`, whatever is in it, and has no control characters to be printed. */
export function shellWord(text: string, platform: Platform): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  const plain = Array.from(text).every(isVisible)
  if (platform === 'win32')
    return plain ? `'${text.replaceAll("'", "''")}'` : `"${escapeAll(text, '`u{', '}')}"`
  // An escape as bash, zsh and ksh know it: no other quotes can write a character that must not be printed.
  return plain ? `'${text.replaceAll("'", String.raw`'\''`)}'` : `$'${bytesOf(text)}'`
}

/** Command lines that remove files, and folders with all that is in them, which `go` makes read-only. */
export function removeCommands(
  { files, folders }: { files: readonly string[]; folders: readonly string[] },
  platform: Platform,
): string[] {
  const words = (paths: readonly string[]): string => paths.map((path) => shellWord(path, platform)).join(' ')
  if (platform === 'win32') {
    const all = [...files, ...folders].map((path) => shellWord(path, platform)).join(', ')
    return all === '' ? [] : [`Remove-Item -Recurse -Force -LiteralPath ${all}`]
  }
  return [
    ...(files.length === 0 ? [] : [`rm -f ${words(files)}`]),
    ...(folders.length === 0 ? [] : [`chmod -R u+w ${words(folders)} && rm -rf ${words(folders)}`]),
  ]
}

/** A command line that copies files and folders, at least one, into a new folder of the user's home, and says which. */
export function keepCommands(paths: readonly string[], platform: Platform): string[] {
  const words = paths.map((path) => shellWord(path, platform))
  return platform === 'win32'
    ? [
        `$kept = New-Item -ItemType Directory "$HOME\\modstead-evidence-$(Get-Random)"; Copy-Item -Recurse -LiteralPath ${words.join(', ')} -Destination $kept; "kept in $kept"`,
      ]
    : [
        `(kept="$(mktemp -d ~/modstead-evidence.XXXXXX)" && cp -Rp ${words.join(' ')} "$kept" && echo "kept in $kept")`,
      ]
}

/** A command line that downloads into an empty module cache and prints the hashes. */
export function freshDownload(name: string, platform: Platform): string {
  const word = shellWord(name, platform)
  return platform === 'win32'
    ? `cd (New-Item -ItemType Directory "$env:TEMP\\verify-$PID"); $env:GOMODCACHE = "$PWD\\cache"; go mod download -json ${word}`
    : `(cd "$(mktemp -d)" && GOMODCACHE="$PWD/cache" go mod download -json ${word})`
}

function bytesOf(text: string): string {
  return Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('')
}

function escapeAll(text: string, before: string, after: string): string {
  return Array.from(text, (character) => `${before}${character.codePointAt(0)!.toString(16)}${after}`).join(
    '',
  )
}
