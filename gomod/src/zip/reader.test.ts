import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { readEntry } from './contents.ts'
import { readZipDirectory, zipBytesOf } from './reader.ts'
import { entriesWith, FILES, gomodError, H1, PREFIX, verify } from './testing/module.ts'
import { oracleH1 } from './testing/oracle.ts'
import {
  extraField,
  longs,
  rawZip,
  shorts,
  words,
  zip64End,
  type RawEntry,
  type RawHeader,
} from './testing/raw-zip.ts'

const WRITERS = new URL('../../testdata/zip/writers/', import.meta.url)
const M = FILES[1]!
const SIZE = M.contents.length
const DATA = deflateRawSync(M.contents)
const bytes = (text: string) => Buffer.from(text, 'latin1')

/** The module's zip with one entry changed. */
const changed = (changes: Partial<RawEntry>) => rawZip(entriesWith('m.go', changes))
const both = (header: Partial<RawHeader>) => changed({ local: header, central: header })

test('zips of other programs are read with the hash that Go computes', async (t) => {
  const hashes = readFileSync(new URL('hashes.txt', WRITERS), 'utf8').trim().split('\n')
  const files = readdirSync(WRITERS).filter((file) => file.endsWith('.zip'))
  assert.deepEqual(
    hashes.map((line) => line.split(' ')[0]),
    files.sort(),
  )
  for (const line of hashes) {
    const [file = '', hash] = line.split(' ')
    await t.test(file, async () => {
      const zip = readFileSync(new URL(file, WRITERS))
      if (hash === 'refused')
        await assert.rejects(verify(zip), gomodError('invalid_zip', /does not begin with/))
      else {
        assert.equal((await verify(zip)).h1, hash)
        assert.equal(await oracleH1(zip), hash)
      }
    })
  }
})

/** Zips that honest writers make in their own ways, all of the same contents. */
const ACCEPTED: Readonly<Record<string, Buffer>> = {
  plain: rawZip(FILES),
  stored: rawZip(FILES.map((file) => ({ ...file, method: 0 }))),
  'with descriptors': rawZip(FILES.map((file) => ({ ...file, descriptor: true }))),
  'stored with descriptors': rawZip(FILES.map((file) => ({ ...file, method: 0, descriptor: true }))),
  'with a descriptor without signature': changed({ descriptor: words(crcOf(M), DATA.length, SIZE) }),
  'with a descriptor of 64 bits': changed({
    descriptor: Buffer.concat([words(0x08074b50, crcOf(M)), longs(DATA.length, SIZE)]),
  }),
  'with sizes in the local header and a descriptor': changed({
    descriptor: true,
    local: { crc: crcOf(M), compressedSize: DATA.length, size: SIZE },
  }),
  'with another flag in the local header': changed({ local: { flags: 0x808 } }),
  'without the flag for UTF-8': changed({ local: { flags: 0 }, central: { flags: 0 } }),
  'with a gap between entries': changed({ gap: bytes('nobody reads this') }),
  'with bytes in front, offsets counted from the start': rawZip(
    entriesWith('go.mod', { gap: bytes('#!/bin/sh\n') }),
  ),
  'with a comment': rawZip(FILES, { comment: bytes('a comment') }),
  'with a zip64 end record': rawZip(FILES, {
    beforeEnd: zip64End,
    count: 0xffff,
    size: 0xffffffff,
    start: 0xffffffff,
  }),
  'with a zip64 end record that nothing needs': rawZip(FILES, { beforeEnd: zip64End }),
  'with zip64 sizes': changed({
    local: { size: 0xffffffff, compressedSize: 0xffffffff, extra: extraField(1, longs(SIZE, DATA.length)) },
    central: {
      size: 0xffffffff,
      compressedSize: 0xffffffff,
      extra: extraField(1, longs(SIZE, DATA.length, 0)),
    },
  }),
  'with a zip64 field that is not needed': both({ extra: extraField(1, longs(1, 2, 3)) }),
  'with extra fields': both({
    extra: Buffer.concat([extraField(0x5455, bytes('\x01abcd')), extraField(0xcafe, bytes(''))]),
  }),
  'with the same name in an extra field': both({
    extra: extraField(0x7075, Buffer.concat([bytes('\x01crc.'), Buffer.from(M.name)])),
  }),
  'with a CRC that was not set': both({ crc: 0 }),
}

for (const [what, zip] of Object.entries(ACCEPTED)) {
  test(`accepted: ${what}`, async () => {
    assert.equal((await verify(zip)).h1, H1)
    assert.equal(await oracleH1(zip), H1)
  })
}

test('accepted: bytes in front of the whole zip', async () => {
  assert.equal((await verify(rawZip(FILES, { prefix: bytes('#!/bin/sh\nexit\n') }))).h1, H1)
})

test('accepted: malformed extra fields, which Go ignores', async () => {
  assert.equal((await verify(both({ extra: shorts(0xcafe, 200) }))).h1, H1)
})

/** Zips that are broken, or that two readers could read differently. */
const REFUSED: readonly (readonly [what: string, zip: Buffer, message: RegExp])[] = [
  ['nothing', Buffer.alloc(0), /no end record/],
  ['no zip', bytes('<!doctype html>'.padEnd(2000)), /no end record/],
  ['bytes behind the end', rawZip(FILES, { suffix: bytes('x') }), /does not end where/],
  ['a comment that is cut off', rawZip(FILES, { commentLength: 1 }), /does not end where/],
  ['an end record in the comment', rawZip(FILES, { comment: rawZip([]) }), /two end records/],
  [
    'a whole other zip in the comment',
    rawZip(FILES, { comment: rawZip([{ name: `${PREFIX}go.mod`, contents: 'module evil.com' }]) }),
    /two end records/,
  ],
  [
    'an end record in the comment that hides the other from some',
    rawZip(FILES, { comment: rawZip([], { suffix: bytes('x') }) }),
    /does not end where/,
  ],
  ['one of several disks', rawZip(FILES, { disk: 1 }), /split over several files/],
  ['too many entries announced', rawZip(FILES, { count: 4 }), /ends before its last entry/],
  ['too few entries announced', rawZip(FILES, { count: 2 }), /after its last entry/],
  ['a count that wrapped around', rawZip(FILES, { count: 0 }), /after its last entry/],
  ['a directory that is longer', rawZip(FILES, { size: 10_000 }), /outside of the file/],
  ['a directory elsewhere', rawZip(FILES, { start: 5 }), /no header where|overlaps/],
  ['a directory behind the end', rawZip(FILES, { start: 0x7fffffff }), /outside of the file/],
  ['bytes between directory and end', rawZip(FILES, { beforeEnd: () => bytes('junk') }), /two places/],
  ['two directories', twoDirectories(), /two places/],
  [
    'a zip64 record that disagrees',
    rawZip(FILES, { beforeEnd: (d) => zip64End({ ...d, count: 2 }) }),
    /disagree/,
  ],
  [
    'a zip64 record elsewhere',
    rawZip(FILES, { beforeEnd: (d) => zip64End(d, 0) }),
    /no zip64 end record where/,
  ],
  [
    'a zip64 record behind its locator',
    rawZip(FILES, { beforeEnd: (d) => zip64End(d, d.start + d.size + 80) }),
    /not in front of/,
  ],
  [
    'a zip64 record of another length',
    rawZip(FILES, { beforeEnd: (d) => zip64Bytes(d, 4, 45) }),
    /wrong length/,
  ],
  [
    'a zip64 locator of several disks',
    rawZip(FILES, { beforeEnd: (d) => zip64Bytes(d, -4, 2) }),
    /split over/,
  ],
  [
    'a zip64 locator of another disk',
    rawZip(FILES, { beforeEnd: (d) => zip64Bytes(d, -16, 1) }),
    /split over/,
  ],
  ['a zip64 record of another disk', rawZip(FILES, { beforeEnd: (d) => zip64Bytes(d, 16, 1) }), /split over/],
  [
    'a zip64 count beyond all bounds',
    rawZip(FILES, { count: 0xffff, beforeEnd: (d) => zip64End({ ...d, count: 2 ** 60 }) }),
    /at most 1000000 are allowed/,
  ],
  ['an encrypted file', both({ flags: 1 }), /is encrypted/],
  ['a strongly encrypted file', both({ flags: 0x40 }), /is encrypted/],
  ['a header that says encrypted', changed({ local: { flags: 1 } }), /another method/],
  ['bzip2', changed({ method: 12 }), /method 12/],
  ['deflate64', changed({ method: 9 }), /method 9/],
  ['another method in the local header', changed({ local: { method: 0 } }), /another method/],
  ['another name in the local header', changed({ local: { name: `${PREFIX}n.go` } }), /another name/],
  ['another size in the local header', changed({ local: { size: 1 } }), /other sizes/],
  ['another compressed size in the local header', changed({ local: { compressedSize: 1 } }), /other sizes/],
  ['another CRC in the local header', changed({ local: { crc: 1 } }), /another CRC/],
  ['no sizes in the local header', changed({ local: { size: 0 } }), /other sizes/],
  [
    'another size in the local header with a descriptor',
    changed({ descriptor: true, local: { size: 1 } }),
    /other sizes/,
  ],
  ['no zip64 sizes in the local header', changed({ local: { size: 0xffffffff } }), /other sizes/],
  ['no local header', changed({ central: { offset: 1 } }), /no header where|overlaps/],
  ['a local header behind the directory', changed({ central: { offset: 100_000 } }), /overlaps/],
  ['two entries with one local header', changed({ central: { offset: 0 } }), /overlaps/],
  ['data that reaches into the next entry', both({ compressedSize: DATA.length + 40 }), /overlaps/],
  ['data that reaches behind the directory', both({ compressedSize: 100_000 }), /overlaps/],
  ['an extra field that pushes the data into the next entry', overlapByExtra(), /overlaps/],
  ['no descriptor where one is announced', changed({ descriptor: bytes('') }), /no room|another CRC/],
  [
    'a descriptor with another CRC',
    changed({ descriptor: words(0x08074b50, 1, DATA.length, SIZE) }),
    /another CRC/,
  ],
  ['fewer bytes than declared', both({ size: SIZE + 1 }), new RegExp(`fewer than the declared ${SIZE + 1}`)],
  ['more bytes than declared', both({ size: SIZE - 1 }), new RegExp(`more than the declared ${SIZE - 1}`)],
  ['more bytes than none', both({ size: 0 }), /more than the declared 0/],
  ['a wrong CRC', both({ crc: 1 }), /its CRC is wrong/],
  [
    'no CRC with a descriptor',
    changed({ descriptor: words(0x08074b50, 0, 0, 0), central: { crc: 0 } }),
    /CRC is wrong/,
  ],
  ['deflated data that is cut off', changed({ data: DATA.subarray(0, -1) }), /cut off/],
  ['no deflated data', changed({ data: bytes('') }), /cut off/],
  ['deflated data that is broken', changed({ data: bytes('\xff\xff\xff\xff') }), /broken/],
  ['bytes behind deflated data', changed({ data: Buffer.concat([DATA, bytes('x')]) }), /more bytes behind/],
  [
    'a stored file of two sizes',
    changed({ method: 0, local: { size: 5 }, central: { size: 5 } }),
    /sizes differ/,
  ],
  [
    'a zip64 field that is too short',
    both({ size: 0xffffffff, extra: extraField(1, bytes('1234')) }),
    /64-bit sizes/,
  ],
  ['no zip64 field', both({ size: 0xffffffff }), /64-bit sizes/],
  [
    'two zip64 fields',
    both({ extra: Buffer.concat([extraField(1, longs(1)), extraField(1, longs(2))]) }),
    /sizes twice/,
  ],
  [
    'another name in an extra field',
    both({ extra: extraField(0x7075, bytes(`\x01crc.${PREFIX}n.go`)) }),
    /second name/,
  ],
  ['a name that is not UTF-8', changed({ name: bytes(`${PREFIX}\xff.go`) }), /not UTF-8/],
  ['a name with a surrogate', changed({ name: bytes(`${PREFIX}\xed\xa0\x80.go`) }), /not UTF-8/],
  ['a name with a NUL', changed({ name: `${PREFIX}m.go\0.txt` }), /NUL/],
  ['a directory with contents', changed({ name: `${PREFIX}m.go/` }), /directory with contents/],
]

for (const [what, zip, message] of REFUSED) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(
      verify(zip),
      gomodError(what.includes('beyond') ? 'zip_too_large' : 'invalid_zip', message),
    )
  })
}

test('a file that occurs twice is refused, unless the caller reports it', () => {
  const source = zipBytesOf(rawZip([...FILES, { name: M.name, contents: 'other' }]))
  assert.throws(() => readZipDirectory(source), gomodError('invalid_zip', /m\.go" is in the zip twice/))
  assert.equal(readZipDirectory(source, { allowDuplicates: true }).length, 4)
})

test('the number of entries can be bounded', () => {
  const source = zipBytesOf(rawZip(FILES))
  assert.equal(readZipDirectory(source, { maxEntries: 3 }).length, 3)
  assert.throws(() => readZipDirectory(source, { maxEntries: 2 }), gomodError('zip_too_large', /at most 2/))
})

test('one entry can be read by itself, up to a size', async () => {
  const source = zipBytesOf(ACCEPTED['with descriptors']!)
  const entry = readZipDirectory(source)[1]!
  assert.equal(Buffer.from(await readEntry(source, entry, SIZE)).toString(), M.contents)
  await assert.rejects(
    readEntry(source, entry, SIZE - 1),
    gomodError('zip_too_large', /m\.go" has \d+ bytes; at most/),
  )
})

test('a source that gives fewer bytes than asked for is no endless loop', async () => {
  const zip = rawZip(FILES)
  const source = {
    size: zip.length + 10,
    read: (at: number, length: number) => zip.subarray(at, at + length),
  }
  assert.throws(() => readZipDirectory(source), gomodError('invalid_zip', /gave \d+ bytes/))
})

test('errors of the source pass through', () => {
  const failure = new Error('EIO')
  const source = {
    size: 1000,
    read: () => {
      throw failure
    },
  }
  assert.throws(() => readZipDirectory(source), failure)
})

function crcOf({ name }: RawEntry): number {
  const entry = readZipDirectory(zipBytesOf(rawZip(FILES))).find((entry) => entry.name === name)
  return entry!.crc32
}

/** A zip64 record and locator with one byte replaced, counted from the end where `at` is negative. */
function zip64Bytes(place: Parameters<typeof zip64End>[0], at: number, value: number): Buffer {
  const records = zip64End(place)
  records[at < 0 ? records.length + at : at] = value
  return records
}

/** A directory where its offset points, and another one, of other names, right in front of the end record. */
function twoDirectories(): Buffer {
  const other = rawZip(FILES.map((file) => ({ ...file, name: file.name.replace('m.go', 'n.go') })))
  return rawZip(FILES, { beforeEnd: ({ start, size }) => other.subarray(start, start + size) })
}

/** By the directory there is room for the data, but the local header has an extra field. */
function overlapByExtra(): Buffer {
  const extra = extraField(0xcafe, Buffer.alloc(60))
  return changed({
    local: { extra, compressedSize: DATA.length },
    central: { compressedSize: DATA.length },
    data: DATA.subarray(0, -20),
  })
}
