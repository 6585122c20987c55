/** Broken zips of every kind: never a crash, never a hang, and what is accepted is what another reader sees. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { GomodError } from '../error.ts'
import { FILES, PREFIX, verify } from './testing/module.ts'
import { oracleH1 } from './testing/oracle.ts'
import { extraField, longs, rawZip, zip64End } from './testing/raw-zip.ts'

const WRITERS = new URL('../../testdata/zip/writers/', import.meta.url)

const SMALL = {
  deflated: rawZip(FILES),
  'with descriptors and a comment': rawZip(
    FILES.map((file) => ({ ...file, descriptor: true })),
    { comment: Buffer.from('comment') },
  ),
  'stored, zip64': rawZip(
    FILES.map((file) => {
      const sizes = longs(file.contents.length, file.contents.length)
      const wide = { size: 0xffffffff, compressedSize: 0xffffffff, extra: extraField(1, sizes) }
      return { ...file, method: 0, local: wide, central: wide }
    }),
    { count: 0xffff, size: 0xffffffff, start: 0xffffffff, beforeEnd: zip64End },
  ),
}

/** The h1 of a zip, or undefined when it is refused as it should be. */
async function h1Of(zip: Uint8Array): Promise<string | undefined> {
  try {
    return (await verify(zip)).h1
  } catch (error) {
    if (error instanceof GomodError) return undefined
    throw error
  }
}

/** Go passes over extra fields that are malformed, and we with it; yauzl does not. */
const YAUZL_ONLY = /extra field length exceeds extra field buffer size/

async function agrees(zip: Uint8Array, what: string): Promise<boolean> {
  const ours = await h1Of(zip)
  if (ours === undefined) return false
  try {
    assert.equal(await oracleH1(zip), ours, what)
  } catch (error) {
    if (!(error instanceof Error && YAUZL_ONLY.test(error.message))) throw error
  }
  return true
}

for (const [what, zip] of Object.entries(SMALL)) {
  test(`${what}: cut off anywhere, it is refused`, async () => {
    for (let end = 0; end < zip.length; end++) {
      assert.equal(await h1Of(zip.subarray(0, end)), undefined, `cut off at ${end}`)
    }
    for (let start = 1; start < zip.length; start++) {
      assert.equal(await h1Of(zip.subarray(start)), undefined, `begins at ${start}`)
    }
  })

  test(`${what}: with any byte changed, it is refused or read as by others`, async () => {
    let accepted = 0
    for (let at = 0; at < zip.length; at++) {
      for (const change of [(b: number) => b ^ 1, (b: number) => b ^ 0x80, () => 0, () => 0xff]) {
        const mutant = Buffer.from(zip)
        mutant[at] = change(mutant[at]!)
        if (await agrees(mutant, `byte ${at} of ${zip.toString('latin1')}`)) accepted++
      }
    }
    // Times, versions and attributes are nobody's business; were nothing accepted, the test would say little.
    assert.ok(accepted > 100, `${accepted} accepted`)
  })

  test(`${what}: with a byte more or less anywhere, it is refused or read as by others`, async () => {
    for (let at = 0; at < zip.length; at++) {
      await agrees(Buffer.concat([zip.subarray(0, at), zip.subarray(at + 1)]), `without byte ${at}`)
      // In front of the whole zip a byte is allowed, though not by yauzl; it begins with a P itself.
      if (at > 1)
        await agrees(Buffer.concat([zip.subarray(0, at), Buffer.of(0x50), zip.subarray(at)]), `more at ${at}`)
    }
  })
}

test('zips of other programs with any bytes changed are refused or read as by others', async () => {
  const zips = readdirSync(WRITERS)
    .filter((name) => name.endsWith('.zip'))
    .map((name) => readFileSync(new URL(name, WRITERS)))
  const edit = fc.record({
    at: fc.nat(2000),
    value: fc.oneof(fc.constantFrom(0, 1, 8, 0x50, 0xff), fc.nat(255)),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...zips),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      async (zip, edits) => {
        const mutant = Buffer.from(zip)
        for (const { at, value } of edits) mutant[at % mutant.length] = value
        await agrees(mutant, mutant.toString('hex'))
      },
    ),
    { numRuns: 2000 },
  )
})

test('a bomb is given up at its declared size, and refused unread when that is too large', async () => {
  const bomb = rawZip([{ name: `${PREFIX}bomb`, contents: Buffer.alloc(40 * 2 ** 20) }])
  const lying = (size: number) =>
    rawZip([
      {
        name: `${PREFIX}bomb`,
        data: bomb.subarray(30 + PREFIX.length + 4, bomb.indexOf('PK\x01\x02')),
        local: { size },
        central: { size },
      },
    ])
  const before = process.memoryUsage.rss()
  for (const size of [
    0,
    1,
    1000,
    2 ** 20,
    5 * 2 ** 20,
    39 * 2 ** 20,
    41 * 2 ** 20,
    501 * 2 ** 20,
    0xfffffffe,
  ]) {
    assert.equal(await h1Of(lying(size)), undefined, `declared ${size}`)
  }
  assert.ok(process.memoryUsage.rss() - before < 100 * 2 ** 20)
})
