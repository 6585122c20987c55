import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

const durations: [string | number, number | undefined][] = [
  ['250ms', 250],
  ['60s', 60_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['1.5s', 1500],
  [10, 10_000],
  [0.25, 250],
  ['20', 20_000],
  [' 20s ', 20_000],
  [0, 0],
  ['', undefined],
  ['fast', undefined],
  ['-1s', undefined],
  [-1, undefined],
  ['1 s', undefined],
  ['1s2', undefined],
  ['1e3s', undefined],
  [Infinity, undefined],
]

const sizes: [string | number, number | undefined][] = [
  ['128MiB', 134_217_728],
  ['1.5GiB', 1_610_612_736],
  ['500MB', 500_000_000],
  ['64 KiB', 65_536],
  ['10B', 10],
  ['1024', 1024],
  [1024, 1024],
  ['0', 0],
  ['', undefined],
  ['1M', undefined],
  ['1mb', undefined],
  ['-1B', undefined],
  ['MiB', undefined],
]

test('durations', () => {
  for (const [input, expected] of durations)
    assert.equal(parseDuration(input), expected, JSON.stringify(input))
})

test('sizes', () => {
  for (const [input, expected] of sizes) assert.equal(parseSize(input), expected, JSON.stringify(input))
})

test('what is formatted reads back the same', () => {
  fc.assert(
    fc.property(fc.nat(), (amount) => {
      assert.equal(parseDuration(formatDuration(amount)), amount)
      assert.equal(parseSize(formatSize(amount)), amount)
    }),
  )
  assert.equal(formatDuration(5_400_000), '90m')
  assert.equal(formatSize(134_217_728), '128MiB')
})
