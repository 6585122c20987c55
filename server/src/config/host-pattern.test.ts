import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostsOfPatterns, parseCredentialPlace, parseHostPattern, type HostPlace } from './host-pattern.ts'

const NONE = 'expected'

function check(
  parse: (text: string) => HostPlace | string,
  table: [text: string, place: HostPlace | typeof NONE][],
) {
  for (const [text, expected] of table) {
    const place = parse(text)
    assert.deepEqual(typeof place === 'string' ? NONE : place, expected, text)
  }
}

test('patterns of hosts', () => {
  check(parseHostPattern, [
    ['git.corp.example', { host: 'git.corp.example', path: [] }],
    ['*.corp.example:8443', { host: '*.corp.example', port: '8443', path: [] }],
    ['git-?.corp.example', { host: 'git-?.corp.example', path: [] }],
    ['[::1]:80', { host: '[::1]', port: '80', path: [] }],
    ['127.0.0.1:8080', { host: '127.0.0.1', port: '8080', path: [] }],
    ['localhost', { host: 'localhost', path: [] }],
    ['*', NONE],
    ['*.*', NONE],
    ['?*', NONE],
    ['', NONE],
    [':80', NONE],
    ['a.example:0', NONE],
    ['a.example:65536', NONE],
    ['a.example:https', NONE],
    ['https://a.example', NONE],
    ['a.example/x', NONE],
    ['A.example', NONE],
    ['a,b', NONE],
  ])
})

test('places that credentials are for', () => {
  check(parseCredentialPlace, [
    ['git.corp.example', { host: 'git.corp.example', path: [] }],
    ['Git.corp.example:8443/Team/x/', { host: 'git.corp.example', port: '8443', path: ['Team', 'x'] }],
    ['git.corp.example/~me/x.y', { host: 'git.corp.example', path: ['~me', 'x.y'] }],
    ['[::1]/x', { host: '[::1]', path: ['x'] }],
    ['*.corp.example', NONE],
    ['git.corp.example/*', NONE],
    ['git.corp.example/..', NONE],
    ['git.corp.example/a/../b', NONE],
    ['git.corp.example/a%2fb', NONE],
    ['git.corp.example//a', NONE],
    ['git@git.corp.example', NONE],
    ['https://git.corp.example', NONE],
    ['', NONE],
    ['/x', NONE],
  ])
})

test('hosts of module patterns', () => {
  const patterns = ['corp.example', '*.corp.example/x', 'github.com/corp/*', '*', '*/*/secret', '?.*']
  assert.deepEqual(hostsOfPatterns(patterns), ['corp.example', '*.corp.example', 'github.com'])
})
