import type { AccessConfig, Subject } from './access-config.ts'
import { describeCertificate } from './certificates.ts'
import { describeGitHost } from './git-hosts.ts'
import { describeIssued } from './issued.ts'
import { describeWorkload } from './workloads.ts'
import { describeIssuer } from './jwt.ts'
import { describeOidc } from './oidc.ts'
import { describeLdap } from './ldap.ts'
import { formatDuration, mapValues } from '../units.ts'

/** `access` as a file would say it. */
export function describeAccess(access: AccessConfig): Record<string, unknown> {
  const {
    anonymous,
    htpasswd,
    ldap,
    groups,
    admins,
    roles,
    bindings,
    issuers,
    remember,
    lockout,
    workloads,
    oidc,
    certificates,
    gitHosts,
  } = access
  return {
    anonymous: anonymous.length === 0 ? 'none' : [...anonymous],
    ...(htpasswd !== undefined && { htpasswd }),
    ...(ldap && { ldap: describeLdap(ldap) }),
    ...(groups.size > 0 && { groups: usersByGroup(groups) }),
    ...(admins.length > 0 && { admins: admins.map(formatSubject) }),
    ...(roles.size > 0 && { roles: Object.fromEntries([...roles].map(([name, list]) => [name, [...list]])) }),
    bindings: bindings.map(({ to, role, modules }) => ({
      to: to.map(formatSubject),
      role,
      ...(modules && { modules: [...modules] }),
    })),
    ...(issuers.length > 0 && { jwt: Object.fromEntries(issuers.map(describeIssuer)) }),
    ...(oidc.length > 0 && { oidc: Object.fromEntries(oidc.map(describeOidc)) }),
    ...(gitHosts.length > 0 && { gitHosts: Object.fromEntries(gitHosts.map(describeGitHost)) }),
    ...(certificates.length > 0 && { certificates: certificates.map(describeCertificate) }),
    ...(workloads.length > 0 && { workloads: Object.fromEntries(workloads.map(describeWorkload)) }),
    issued: describeIssued(access.issued),
    remember: formatDuration(remember),
    lockout: {
      secrets: lockout.secrets,
      addresses: lockout.addresses,
      ...mapValues({ within: lockout.within, closed: lockout.closed }, formatDuration),
    },
  }
}

export function formatSubject({ kind, name }: Subject): string {
  return kind === 'everybody' ? name : `${kind}:${name}`
}

export function usersByGroup(groups: AccessConfig['groups']): Record<string, string[]> {
  const shown: Record<string, string[]> = {}
  for (const [user, names] of groups) for (const name of names) (shown[name] ??= []).push(user)
  return shown
}
