/** A directory for tests: `slapd` of OpenLDAP as a process of its own, in a folder of its own, on free loopback ports. */
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { temporaryFolder } from '../../observe/test-support.ts'
import { type TestCertificates, makeCertificates } from '../test-certificates.ts'

export const SUFFIX = 'dc=corp,dc=example'
export const PEOPLE = `ou=people,${SUFFIX}`
export const GROUPS = `ou=groups,${SUFFIX}`
/** The account that may read everything but passwords. */
export const SERVICE = { dn: `cn=modstead,${SUFFIX}`, password: 'service-Geheim-1' }
const ROOT = { dn: `cn=root,${SUFFIX}`, password: 'root-Geheim-1' }

export interface TestSlapd {
  port: number
  /** Of `ldaps://`. */
  tlsPort: number
  certificates: TestCertificates
  /** Runs an LDIF of entries or changes as the administrator. */
  change(ldif: string): Promise<void>
  /** It goes on listening, and answers nothing. */
  pause(): Promise<void>
  resume(): void
  /** SIGKILL. */
  kill(): Promise<void>
  /** On the same ports, with the same entries. */
  start(): Promise<void>
}

export interface SlapdOptions {
  /** Names of its certificate, and for how many days it is good; default: `localhost` and 127.0.0.1, for some. */
  certificate?: { names: string; days: number }
  /** More lines of its configuration. */
  config?: string
  /** More entries, loaded before it starts: fast, and without memberOf. */
  entries?: string
}

export async function startSlapd(
  t: Pick<TestContext, 'after'>,
  options: SlapdOptions = {},
): Promise<TestSlapd> {
  const folder = await temporaryFolder(t)
  const certificates = makeCertificates()
  t.after(() => certificates.remove())
  const [port, tlsPort] = [await freePort(), await freePort()]
  const at = (name: string): string => join(folder, name)
  const { cert, key } = options.certificate ? issue(certificates, options.certificate) : certificates.server
  await Promise.all([
    mkdir(at('data')),
    writeFile(at('cert.pem'), cert),
    writeFile(at('key.pem'), key, { mode: 0o600 }),
    writeFile(at('slapd.conf'), configuration(at, certificates.ca, options.config)),
    writeFile(at('start.ldif'), `${START}\n${options.entries ?? ''}`),
  ])
  await promisify(execFile)('slapadd', ['-q', '-f', at('slapd.conf'), '-l', at('start.ldif')])
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const urls = `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${tlsPort}/`
    child = spawn('slapd', ['-d', '0', '-f', at('slapd.conf'), '-h', urls], { stdio: 'ignore' })
    for (const end = Date.now() + 20_000; !(await canConnect(tlsPort));)
      if (child.exitCode !== null || Date.now() > end) throw new Error('slapd does not start')
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'exit')
    child.kill('SIGKILL')
    await closed
  }

  t.after(kill)
  await start()
  const slapd: TestSlapd = {
    port,
    tlsPort,
    certificates,
    async change(ldif) {
      const file = at(`change-${process.hrtime.bigint()}.ldif`)
      await writeFile(file, ldif)
      const args = ['-x', '-H', `ldap://127.0.0.1:${port}`, '-D', ROOT.dn, '-w', ROOT.password, '-f', file]
      await promisify(execFile)('ldapmodify', args)
    },
    async pause() {
      child?.kill('SIGSTOP')
      while (!/^State:\s+T/m.test(await readFile(`/proc/${child?.pid}/status`, 'utf8'))) await setTimeout(5)
    },
    resume: () => void child?.kill('SIGCONT'),
    kill,
    start,
  }
  // Over the network, so that the overlay notes who is member of what.
  await slapd.change(MEMBERS)
  return slapd
}

/** A certificate of the same authority. */
function issue(
  { ca }: TestCertificates,
  { names, days }: { names: string; days: number },
): TestCertificates['server'] {
  const folder = dirname(ca)
  const at = (name: string): string => join(folder, `issued-${name}`)
  const openssl = (line: string): void => void execFileSync('openssl', line.split(' '), { stdio: 'pipe' })
  writeFileSync(at('extensions'), `subjectAltName=${names}\n`)
  openssl(
    `req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${at('key')} -out ${at('request')} -subj /CN=x`,
  )
  openssl(
    `x509 -req -in ${at('request')} -out ${at('cert')} -CA ${ca} -CAkey ${join(folder, 'ca.key')} -CAcreateserial -days ${days} -extfile ${at('extensions')}`,
  )
  return { cert: readFileSync(at('cert'), 'utf8'), key: readFileSync(at('key'), 'utf8') }
}

/** Why a test with a directory cannot run here. */
export function noSlapd(): string | false {
  return spawnSync('slapd', ['-VV']).error !== undefined && 'slapd is not installed: npm run tools'
}

/** LDIF of a group. */
export function groupOf(name: string, ...members: string[]): string {
  const lines = members.map((member) => `member: ${member}`)
  return [
    `dn: cn=${name},${GROUPS}`,
    'changetype: add',
    'objectClass: groupOfNames',
    `cn: ${name}`,
    ...lines,
    '',
    '',
  ].join('\n')
}

/** LDIF that adds a value to an entry, deletes it, or puts it in place of others. */
export function changeOf(
  dn: string,
  how: 'add' | 'delete' | 'replace',
  attribute: string,
  value: string,
): string {
  return `dn: ${dn}\nchangetype: modify\n${how}: ${attribute}\n${attribute}: ${value}\n\n`
}

/** LDIF of a user; the password is `UID-Geheim-1`. */
export function userOf(uid: string, more = ''): string {
  return `dn: uid=${uid},${PEOPLE}\nobjectClass: inetOrgPerson\nobjectClass: shadowAccount\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nuserPassword: ${uid}-Geheim-1\n${more}\n`
}

export const dnOf = (uid: string): string => `uid=${uid},${PEOPLE}`
export const dnOfGroup = (name: string): string => `cn=${name},${GROUPS}`

const START = `
dn: ${SUFFIX}
objectClass: dcObject
objectClass: organization
dc: corp
o: corp

dn: ${PEOPLE}
objectClass: organizationalUnit
ou: people

dn: ${GROUPS}
objectClass: organizationalUnit
ou: groups

dn: ${SERVICE.dn}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: modstead
userPassword: ${SERVICE.password}

${userOf('alice', 'mail: alice@corp.example\ndescription: alice-at-gitlab\n')}
${userOf('bob', 'mail: bob@corp.example\n')}
${userOf('Carol')}
${userOf('jürgen')}
${userOf('twin', 'mail: twin@corp.example\n')}
dn: cn=Smith\\2c John (ext) *,${PEOPLE}
objectClass: inetOrgPerson
uid: smith
cn: Smith, John (ext) *
sn: Smith
userPassword: smith-Geheim-1

dn: uid=twin,${SUFFIX}
objectClass: inetOrgPerson
uid: twin
cn: twin
sn: twin
userPassword: twin-Geheim-1
`
  // A name that is not ASCII has to be in base64.
  .replace(
    /^(dn|uid|cn|sn|userPassword): (.*[^\x00-\x7f].*)$/gm,
    (_, name: string, value: string) => `${name}:: ${Buffer.from(value).toString('base64')}`,
  )

const MEMBERS = [
  groupOf('team-a', dnOf('alice'), `cn=Smith\\2c John (ext) *,${PEOPLE}`),
  groupOf('platform', dnOfGroup('team-a')),
  groupOf('company', dnOfGroup('platform'), dnOf('bob')),
  // In each other.
  groupOf('loop-1', dnOf('bob')),
  groupOf('loop-2', dnOfGroup('loop-1')),
  changeOf(dnOfGroup('loop-1'), 'add', 'member', dnOfGroup('loop-2')),
  groupOf('Domain Users', dnOf('Carol')),
  `dn: cn=ops,${GROUPS}\nchangetype: add\nobjectClass: posixGroup\ncn: ops\ngidNumber: 1000\nmemberUid: bob\n\n`,
].join('\n')

function configuration(at: (name: string) => string, ca: string, more = ''): string {
  return `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
# Two of Active Directory's.
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile ${at('pid')}
TLSCACertificateFile ${ca}
TLSCertificateFile ${at('cert.pem')}
TLSCertificateKeyFile ${at('key.pem')}
database mdb
suffix "${SUFFIX}"
rootdn "${ROOT.dn}"
rootpw ${ROOT.password}
directory ${at('data')}
dbnosync
index objectClass,uid,mail,member,memberUid eq
overlay memberof
memberof-group-oc groupOfNames
memberof-dangling ignore
${more}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${SERVICE.dn}" read by anonymous auth by * none
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    await setTimeout(50)
    return false
  } finally {
    socket.destroy()
  }
}
