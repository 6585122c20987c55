/** An authority for tests that issues any certificate and revokes it, by `openssl ca`. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Issued {
  /** PEM texts. */
  cert: string
  key: string
  file: string
}

export interface Authority {
  /** PEM file. */
  ca: string
  /** `subject` as of `openssl -subj`, `extensions` as lines of its configuration; times as `YYMMDDHHMMSSZ`. */
  issue(name: string, given?: { subject?: string; extensions?: string; start?: string; end?: string }): Issued
  /** Another authority below this one. */
  intermediate(name: string): Authority
  revoke(issued: Issued): void
  /** Writes the list of what was revoked. */
  writeCrl(path: string, nextUpdate?: string): void
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
export const FOR_CLIENTS = 'extendedKeyUsage=clientAuth'

export function makeAuthority(parent: string, name: string): Authority {
  const folder = newFolder(parent, name)
  const at = (file: string): string => join(folder, file)
  openssl(
    'req',
    '-x509',
    ...EC,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    at('key'),
    '-out',
    at('ca.pem'),
  )
  return authorityIn(folder)
}

function authorityIn(folder: string): Authority {
  const at = (file: string): string => join(folder, file)
  writeFileSync(at('index'), '')
  writeFileSync(at('index.attr'), 'unique_subject = no\n')
  writeFileSync(
    at('conf'),
    `[ca]
default_ca = it
[it]
database = ${at('index')}
new_certs_dir = ${folder}
certificate = ${at('ca.pem')}
private_key = ${at('key')}
default_md = sha256
rand_serial = yes
policy = any
default_days = 2
default_crl_days = 2
preserve = yes
string_mask = utf8only
[any]
commonName = optional
`,
  )

  const issue: Authority['issue'] = (name, given = {}) => {
    const { subject = `/CN=${name}`, extensions = FOR_CLIENTS, start, end } = given
    const files = { key: at(`${name}.key`), request: at(`${name}.csr`), cert: at(`${name}.pem`) }
    writeFileSync(at('extensions'), `${extensions}\n`)
    openssl(
      'req',
      ...EC,
      '-utf8',
      '-subj',
      subject,
      '-multivalue-rdn',
      '-keyout',
      files.key,
      '-out',
      files.request,
    )
    const times = [
      ...(start === undefined ? [] : ['-startdate', start]),
      ...(end === undefined ? [] : ['-enddate', end]),
    ]
    const where = ['-config', at('conf'), '-extfile', at('extensions'), '-preserveDN', '-batch', '-notext']
    openssl('ca', ...where, ...times, '-in', files.request, '-out', files.cert)
    return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8'), file: files.cert }
  }

  return {
    ca: at('ca.pem'),
    issue,
    intermediate(name) {
      const { cert, key } = issue(name, { extensions: 'basicConstraints=critical,CA:TRUE' })
      const below = newFolder(folder, `below-${name}`)
      writeFileSync(join(below, 'ca.pem'), cert)
      writeFileSync(join(below, 'key'), key)
      return authorityIn(below)
    },
    revoke: ({ file }) => openssl('ca', '-config', at('conf'), '-revoke', file),
    writeCrl(path, nextUpdate) {
      const until = nextUpdate === undefined ? [] : ['-crl_nextupdate', nextUpdate]
      openssl('ca', '-config', at('conf'), '-gencrl', ...until, '-out', path)
    },
  }
}

function newFolder(parent: string, name: string): string {
  const folder = join(parent, name)
  mkdirSync(folder)
  return folder
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}
