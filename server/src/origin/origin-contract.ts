/** What every origin must do, whatever it is made of. Each implementation runs it on the real thing. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkPath, escapePath } from '@modstead/gomod/path'
import { escapeVersion, type Version } from '@modstead/gomod/version'
import type { Origin } from '../proxy/origin.ts'
import { asked, collect, failsWith } from './test-origin.ts'

/** Files by their path in the GOPROXY protocol, escaped: `example.com/!upper/@v/list`. */
export type TestFiles = Readonly<Record<string, string | Buffer>>

export interface OriginUnderTest {
  /** Starts an origin that has these files. `limits` of 1 KiB hold for lists, info and mod files, 1 MiB for zips. */
  start(files: TestFiles): Promise<{ origin: Origin; stop(): Promise<void> }>
  /** It gives validators and recognises them. */
  renews: boolean
}

const UPPER = checkPath('example.com/Upper')
const MAJOR = checkPath('example.com/major/v2')
const V1 = 'v1.0.0-RC1' as Version
const V2 = 'v2.0.0' as Version
const ZIP = Buffer.from(Array.from({ length: 600_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff))

function fileOf(module: string, version: string, kind: string): string {
  return `${escapePath(module)}/@v/${escapeVersion(version)}.${kind}`
}

export function originContract(name: string, subject: OriginUnderTest): void {
  async function withFiles(files: TestFiles, run: (origin: Origin) => Promise<void>): Promise<void> {
    const { origin, stop } = await subject.start(files)
    try {
      await run(origin)
    } finally {
      await origin.close()
      await stop()
    }
  }

  describe(`origin contract: ${name}`, () => {
    test('a list: times kept, junk dropped, order kept', () =>
      withFiles(
        {
          'example.com/!upper/@v/list':
            'v1.1.0\nv1.0.0 2024-02-29T01:02:03Z\r\n\nmaster\nv1.2\nv1.1.0 2020-01-01T00:00:00Z\n1.0.0\n' +
            'v0.0.0-20200101000000-abcdefabcdef sometime\nv1.3.0 2023-02-29T00:00:00Z\n  v1.4.0\t2024-01-01T00:00:00+02:00 x\n',
        },
        async (origin) => {
          const list = await origin.versions(UPPER, asked())
          assert.ok(list !== 'unchanged')
          assert.deepEqual(list.versions, [
            { version: 'v1.1.0' },
            { version: 'v1.0.0', time: '2024-02-29T01:02:03Z' },
            { version: 'v1.2' },
            { version: 'v0.0.0-20200101000000-abcdefabcdef' },
            { version: 'v1.3.0' },
            { version: 'v1.4.0', time: '2024-01-01T00:00:00+02:00' },
          ])
        },
      ))

    test('a module without versions has an empty list, one that is unknown has none', () =>
      withFiles({ 'example.com/!upper/@v/list': '' }, async (origin) => {
        const list = await origin.versions(UPPER, asked())
        assert.ok(list !== 'unchanged')
        assert.deepEqual(list.versions, [])
        await failsWith(origin.versions(MAJOR, asked()), 'not_found', /does not have it/)
      }))

    test('an .info keeps its bytes', () => {
      const text = '{"Version":"v1.0.0-RC1", "Time":"2024-01-01T12:00:00.5+02:00","Origin":{"VCS":"git"}}\n'
      return withFiles({ [fileOf(UPPER, V1, 'info')]: text }, async (origin) => {
        const info = await origin.resolve(UPPER, V1, asked())
        assert.ok(info !== 'unchanged')
        assert.equal(info.bytes.toString(), text)
        assert.equal(info.version, V1)
        assert.equal(info.time, '2024-01-01T12:00:00.5+02:00')
      })
    })

    test('queries and latest give the version they resolve to', () =>
      withFiles(
        {
          'example.com/major/v2/@latest': '{"Version":"v2.3.4"}',
          'example.com/major/v2/@v/main.info':
            '{"Version":"v2.0.1-0.20240101000000-abcdefabcdef","Time":null}',
          'example.com/major/v2/@v/!release-1.info': '{"version":"v2.0.0"}',
          'example.com/major/v2/@v/v2.0.0+meta.info': '{"Version":"v2.0.0"}',
        },
        async (origin) => {
          const table = [
            ['latest', 'v2.3.4'],
            ['main', 'v2.0.1-0.20240101000000-abcdefabcdef'],
            ['Release-1', 'v2.0.0'],
            ['v2.0.0+meta', 'v2.0.0'],
          ] as const
          for (const [query, version] of table) {
            const info = await origin.resolve(MAJOR, query, asked())
            assert.ok(info !== 'unchanged')
            assert.equal(info.version, version)
            assert.equal(info.time, undefined)
          }
          await failsWith(origin.resolve(MAJOR, 'absent', asked()), 'not_found', /does not have it/)
        },
      ))

    test('an .info that cannot be believed is refused', async () => {
      const table: [query: string, text: string, says: RegExp][] = [
        ['v2.0.0', '', /not a JSON object/],
        ['v2.0.0', 'null', /not a JSON object/],
        ['v2.0.0', '["v2.0.0"]', /not a JSON object/],
        ['v2.0.0', '{"Version":"v2.0.0"', /not a JSON object/],
        ['v2.0.0', `${'['.repeat(500)}${']'.repeat(500)}`, /not a JSON object/],
        ['v2.0.0', '{}', /without a version/],
        ['v2.0.0', '{"Version":2}', /without a version/],
        ['v2.0.0', '{"Version":"v2.0.1"}', /of another version, v2\.0\.1/],
        ['main', '{"Version":"v1.0.0"}', /without a version that this module may have/],
        ['main', '{"Version":"v2.0"}', /without a version that this module may have/],
        ['main', '{"Version":"main"}', /without a version that this module may have/],
        ['v2.0.0', '{"Version":"v2.0.0","Time":"yesterday"}', /time that is not RFC 3339/],
        ['v2.0.0', '{"Version":"v2.0.0","Time":5}', /time that is not RFC 3339/],
      ]
      for (const [query, text, says] of table) {
        await withFiles({ [fileOf(MAJOR, query, 'info')]: text }, async (origin) => {
          await failsWith(origin.resolve(MAJOR, query, asked()), 'upstream_invalid', says)
        })
      }
    })

    test('a query that could lead elsewhere is not asked', () =>
      withFiles({ 'example.com/!upper/@v/list': '' }, async (origin) => {
        for (const query of ['../x', 'a/b', '', '-x', 'a..b', 'ä', 'a\0b', '!a', '.']) {
          await failsWith(origin.resolve(UPPER, query, asked()), 'bad_version', /./)
        }
      }))

    test('a go.mod as it is', () =>
      withFiles({ [fileOf(UPPER, V1, 'mod')]: 'module example.com/Upper\r\n' }, async (origin) => {
        assert.equal(
          (await origin.goMod(UPPER, V1, asked())).bytes.toString(),
          'module example.com/Upper\r\n',
        )
        await failsWith(origin.goMod(MAJOR, V2, asked()), 'not_found', /does not have it/)
      }))

    test('a zip: its size, and all its bytes', () =>
      withFiles({ [fileOf(UPPER, V1, 'zip')]: ZIP }, async (origin) => {
        const { size, chunks } = await origin.zip(UPPER, V1, asked())
        assert.ok(size === undefined || size === ZIP.length)
        assert.ok((await collect(chunks)).equals(ZIP))
        await failsWith(origin.zip(MAJOR, V2, asked()), 'not_found', /does not have it/)
      }))

    test('files beyond their limits are refused', () =>
      withFiles(
        {
          'example.com/!upper/@v/list': 'v1.0.0\n'.repeat(200),
          [fileOf(UPPER, V1, 'info')]: ' '.repeat(1025),
          [fileOf(UPPER, V1, 'mod')]: ' '.repeat(1025),
          [fileOf(UPPER, V1, 'zip')]: Buffer.alloc((1 << 20) + 1),
        },
        async (origin) => {
          const says = /sent more than the (1024|1048576) bytes such a file may have/
          await failsWith(origin.versions(UPPER, asked()), 'upstream_invalid', says)
          await failsWith(origin.resolve(UPPER, V1, asked()), 'upstream_invalid', says)
          await failsWith(origin.goMod(UPPER, V1, asked()), 'upstream_invalid', says)
          const zip = origin.zip(UPPER, V1, asked()).then(({ chunks }) => collect(chunks))
          await failsWith(zip, 'upstream_invalid', says)
        },
      ))

    test('web pages are no files', () =>
      withFiles(
        { 'example.com/!upper/@v/list': '\n<!doctype html>', [fileOf(UPPER, V1, 'mod')]: '\ufeff<html>' },
        async (origin) => {
          await failsWith(origin.versions(UPPER, asked()), 'upstream_page', /web page/)
          await failsWith(origin.goMod(UPPER, V1, asked()), 'upstream_page', /web page/)
        },
      ))

    if (subject.renews) {
      test('what is unchanged is not read again', () =>
        withFiles(
          { 'example.com/!upper/@v/list': 'v1.0.0\n', 'example.com/!upper/@latest': '{"Version":"v1.0.0"}' },
          async (origin) => {
            const list = await origin.versions(UPPER, asked())
            assert.ok(list !== 'unchanged' && list.validators !== undefined)
            assert.equal(await origin.versions(UPPER, { ...asked(), since: list.validators }), 'unchanged')
            const other = await origin.versions(UPPER, { ...asked(), since: { etag: '"other"' } })
            assert.ok(other !== 'unchanged')
            const info = await origin.resolve(UPPER, 'latest', asked())
            assert.ok(info !== 'unchanged' && info.validators !== undefined)
            assert.equal(
              await origin.resolve(UPPER, 'latest', { ...asked(), since: info.validators }),
              'unchanged',
            )
          },
        ))
    }

    test('who is gone already gets nothing', () =>
      withFiles({ 'example.com/!upper/@v/list': '' }, async (origin) => {
        const gone = asked({ signal: AbortSignal.abort() })
        await failsWith(origin.versions(UPPER, gone), 'aborted', /given up/)
        await failsWith(origin.zip(UPPER, V1, gone), 'aborted', /given up/)
      }))

    test('who leaves in the middle of a zip hears of nothing more', () =>
      withFiles({ [fileOf(UPPER, V1, 'zip')]: Buffer.alloc(1 << 20) }, async (origin) => {
        const controller = new AbortController()
        const { chunks } = await origin.zip(UPPER, V1, asked({ signal: controller.signal }))
        const reading = (async () => {
          for await (const chunk of chunks) {
            assert.ok(chunk.length < 1 << 20)
            controller.abort()
          }
        })()
        await failsWith(reading, 'aborted', /given up/)
      }))
  })
}
