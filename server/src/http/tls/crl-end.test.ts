import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder } from '../../observe/test-support.ts'
import { makeAuthority } from './authority.fixture.ts'
import { firstEndOf } from './crl-end.ts'

test('the end of revocation lists, as openssl shows it', async (t) => {
  const folder = await temporaryFolder(t)
  const authority = makeAuthority(folder, 'authority')
  const file = join(folder, 'crl.pem')
  const shown = () =>
    Date.parse(
      execFileSync('openssl', ['crl', '-in', file, '-noout', '-nextupdate'])
        .toString()
        .replace('nextUpdate=', ''),
    )
  authority.writeCrl(file)
  const empty = readFileSync(file, 'utf8')
  assert.equal(firstEndOf(empty), shown())
  for (let i = 0; i < 3; i++) authority.revoke(authority.issue(`revoked-${i}`))
  authority.writeCrl(file, '20550102030405Z')
  const late = readFileSync(file, 'utf8')
  assert.equal(firstEndOf(late), Date.UTC(2055, 0, 2, 3, 4, 5))
  assert.equal(firstEndOf(late + empty), firstEndOf(empty))
})

test('what is no list has no end, and takes no time', () => {
  const pem = (der: Buffer): string =>
    `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`
  for (const der of [
    Buffer.alloc(0),
    Buffer.from([0x30]),
    Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0x30, 0x80, 0x30, 0x80]),
    Buffer.alloc(1000, 0x30),
    Buffer.alloc(1000, 0xff),
  ])
    assert.equal(firstEndOf(pem(der)), undefined)
  assert.equal(firstEndOf(''), undefined)
})
