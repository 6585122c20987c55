import type { WorkloadRule } from '../../config/access/access-config.ts'
import type { SignedIn } from '../issued/access-jwt.ts'
import type { FlatClaims } from './claims.ts'
import { matchesGlob } from './glob.ts'

/** The first rule that all its claims fit. */
export function ruleFor(claims: FlatClaims, rules: readonly WorkloadRule[]): WorkloadRule | undefined {
  return rules.find(({ when }) =>
    [...when].every(([name, patterns]) =>
      (claims.get(name) ?? []).some((text) => patterns.some((pattern) => matchesGlob(pattern, text))),
    ),
  )
}

/** Whom a rule makes of the bearer; a sentence where the claims give no name. */
export function identityOf(
  { as, groups }: WorkloadRule,
  claims: FlatClaims,
): Pick<SignedIn, 'kind' | 'id' | 'groups'> | string {
  let missing: string | undefined
  const id = as.name.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const texts = claims.get(name) ?? []
    if (texts.length !== 1) missing ??= name
    return texts[0] ?? ''
  })
  if (missing !== undefined)
    return `its ${missing} is no single text, which the name of its bearer is made of`
  const isName = as.kind === 'workload' ? /^[^\s\p{Cc}]{1,256}$/u : /^[^\s:\p{Cc}]{1,256}$/u
  return isName.test(id)
    ? { kind: as.kind, id, groups }
    : 'the name of its bearer would be longer than 256 characters, or have a space or a control character'
}
