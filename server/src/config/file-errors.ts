const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
}

/** Why a file cannot be read, in words without its contents: `cannot read /etc/x.pem: there is no such file`. */
export function describeFileError(file: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return `cannot read ${file}: ${REASONS[code ?? ''] ?? code ?? message}`
}

/** Whether a file is simply not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
