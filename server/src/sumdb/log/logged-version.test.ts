import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { someHash } from '../../observe/test-support.ts'
import { readLoggedVersion } from './logged-version.ts'

const [ZIP, MOD] = [someHash('zip'), someHash('mod')]
const lines = (module: string, version: string) =>
  `${module} ${version} ${ZIP}\n${module} ${version}/go.mod ${MOD}\n`

describe('the version of a record', () => {
  for (const [module, version] of [
    ['corp.example/lib', 'v1.2.3'],
    ['corp.example/Lib/v2', 'v2.0.0-rc.1'],
    ['corp.example/old', 'v3.0.0+incompatible'],
    ['golang.org/toolchain', 'v0.0.1-go1.26.0.linux-amd64'],
    ['gopkg.in/yaml.v2', 'v2.4.0'],
  ] as const)
    it(`is read: ${module}@${version}`, () => {
      assert.deepEqual(readLoggedVersion(Buffer.from(lines(module, version))), {
        module,
        version,
        h1: ZIP,
        goModH1: MOD,
      })
    })

  const good = lines('corp.example/lib', 'v1.2.3')
  for (const [what, text] of [
    ['nothing', ''],
    ['other words', 'hello\n'],
    ['no module path', lines('corp.example/../lib', 'v1.2.3')],
    ['no version', lines('corp.example/lib', 'main')],
    ['a version that is not canonical', lines('corp.example/lib', 'v1.2')],
    ['a version of another major', lines('corp.example/lib', 'v2.0.0')],
    ['one line', good.split('\n')[0]! + '\n'],
    ['lines in another order', good.split('\n').toReversed().join('\n').trimStart() + '\n'],
    ['a line of another version', good + `corp.example/lib v1.2.4 ${ZIP}\n`],
    ['two hashes of one file', good + `corp.example/lib v1.2.3 ${MOD}\n`],
    ['a hash that is none', good.replace(MOD, 'h1:short')],
    ['no newline at the end', good.trimEnd()],
    ['bytes that are no text', Buffer.concat([Buffer.from(good), Buffer.from([0xff, 0x0a])])],
  ] as const)
    it(`is not read from ${what}`, () => {
      assert.throws(() => readLoggedVersion(Buffer.from(text)), { code: 'invalid_record' })
    })
})
