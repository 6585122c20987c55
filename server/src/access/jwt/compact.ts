/** Whether a text has the form of a JSON Web Token: three words of base64url with dots between them (RFC 7515, 7.1). */
export function isCompact(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)
}

/**
 * Whether every part is spelt in the one way that encoders spell it. Decoders pass over the last bits of a part, so that
 * other texts would stand for the same token: whoever looks for one that leaked would not find those.
 */
export function isCanonical(token: string): boolean {
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}
