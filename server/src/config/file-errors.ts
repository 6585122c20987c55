const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the disk is read-only',
}

/** Why a file cannot be used, in words without its contents: `cannot read /etc/x.pem: there is no such file`. */
export function describeFileError(file: string, error: unknown, doing: 'read' | 'write' = 'read'): string {
  const { code, message } = error as NodeJS.ErrnoException
  return `cannot ${doing} ${file}: ${REASONS[code ?? ''] ?? code ?? message}`
}

/** Whether a file is simply not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
