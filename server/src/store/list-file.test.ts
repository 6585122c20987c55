import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { deriveList } from './list-file.ts'

const whole = (version: string): string[] => ['info', 'mod', 'zip'].map((kind) => `${version}.${kind}`)

const rows: { name: string; names: string[]; before?: string; removed?: string[]; list: string }[] = [
  { name: 'nothing', names: [], list: '' },
  { name: 'whole versions', names: [...whole('v1.0.0'), ...whole('v1.1.0')], list: 'v1.0.0\nv1.1.0\n' },
  {
    name: 'the order of versions, not of names',
    names: [...whole('v1.10.0'), ...whole('v1.9.0'), ...whole('v1.9.0-!r!c1'), ...whole('v1.9.0-rc.2')],
    list: 'v1.9.0-RC1\nv1.9.0-rc.2\nv1.9.0\nv1.10.0\n',
  },
  {
    name: 'pseudo-versions and incompatible ones too',
    names: [...whole('v0.0.0-20200101000000-0123456789ab'), ...whole('v2.0.0+incompatible')],
    list: 'v0.0.0-20200101000000-0123456789ab\nv2.0.0+incompatible\n',
  },
  { name: 'no version in parts', names: ['v1.0.0.mod', 'v1.0.0.info', 'v1.1.0.zip', 'v1.1.0.mod'], list: '' },
  {
    name: 'a whole version with a stranger',
    names: [...whole('v1.0.0'), 'v1.0.0.lock', 'list'],
    list: 'v1.0.0\n',
  },
  {
    name: 'lines of go’s own lists, while their .mod is there',
    names: ['v1.0.0.mod', 'v1.0.0.zip', 'v1.1.0.mod', ...whole('v1.2.0')],
    before: 'v1.0.0\nv1.1.0\nv1.3.0\n',
    list: 'v1.0.0\nv1.1.0\nv1.2.0\n',
  },
  {
    name: 'times of lines',
    names: [...whole('v1.0.0'), ...whole('v1.1.0')],
    before: 'v1.0.0 2020-01-02T03:04:05Z\r\n',
    list: 'v1.0.0 2020-01-02T03:04:05Z\nv1.1.0\n',
  },
  {
    name: 'no line of a version that lost a file',
    names: ['v1.0.0.mod', 'v1.0.0.info', ...whole('v1.1.0')],
    before: 'v1.0.0\nv1.1.0\n',
    removed: ['v1.0.0', 'v1.1.0'],
    list: 'v1.1.0\n',
  },
  {
    name: 'no garbage of a torn list',
    names: [...whole('v1.0.0')],
    before: 'v1.0.0\nnonsense\nv1.0\n\0\0\0\0',
    list: 'v1.0.0\n',
  },
]

describe('list file', () => {
  for (const { name, names, before = '', removed = [], list } of rows) {
    it(`names ${name}`, () => {
      const module = checkPath('example.com/a')
      const derived = deriveList({ module, names, before, removed: new Set(removed) })
      assert.equal(derived, list)
      assert.equal(deriveList({ module, names, before: derived, removed: new Set() }), list, 'stays as it is')
    })
  }
})
