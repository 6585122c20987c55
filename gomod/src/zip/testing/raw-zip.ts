/** Writes zip files field by field, so that every field can lie. For tests. */
import { crc32, deflateRawSync } from 'node:zlib'

/** An entry. What is not given is what an honest writer would put there. */
export interface RawEntry {
  readonly name: string | Uint8Array
  readonly contents?: string | Uint8Array
  /** 0 stores, 8 deflates. Default 8. */
  readonly method?: number
  /** Bytes in the place of the data. */
  readonly data?: Uint8Array
  /** Bytes between the entry before and this one. */
  readonly gap?: Uint8Array
  /** Bytes behind the data: `true` for a descriptor as Go writes it. */
  readonly descriptor?: boolean | Uint8Array
  readonly local?: Partial<RawHeader>
  readonly central?: Partial<RawHeader>
}

/** The fields of a header that can be replaced. */
export interface RawHeader {
  readonly name: string | Uint8Array
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  readonly extra: Uint8Array
  readonly offset: number
}

/** The fields of the end record that can be replaced, and what stands around them. */
export interface RawEnd {
  /** Bytes in front of the zip. */
  readonly prefix?: Uint8Array
  /** Bytes between the directory and the end record. */
  readonly beforeEnd?: (directory: { start: number; size: number; count: number }) => Uint8Array
  readonly disk?: number
  readonly count?: number
  readonly size?: number
  readonly start?: number
  readonly comment?: Uint8Array
  readonly commentLength?: number
  /** Bytes behind the zip. */
  readonly suffix?: Uint8Array
}

/** A zip of `entries`. Offsets count from the end of the prefix. */
export function rawZip(entries: readonly RawEntry[], end: RawEnd = {}): Buffer {
  const body: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  const put = (bytes: Uint8Array) => {
    body.push(bytes)
    at += bytes.length
  }
  for (const entry of entries) {
    put(entry.gap ?? new Uint8Array(0))
    const contents = Buffer.from(entry.contents ?? '')
    const method = entry.method ?? 8
    const data = entry.data ?? (method === 8 ? deflateRawSync(contents) : contents)
    const late = entry.descriptor !== undefined && entry.descriptor !== false
    const known: RawHeader = {
      name: entry.name,
      flags: (late ? 8 : 0) | 0x800,
      method,
      crc: crc32(contents),
      compressedSize: data.length,
      size: contents.length,
      extra: new Uint8Array(0),
      offset: at,
    }
    const unknown = late ? { crc: 0, compressedSize: 0, size: 0 } : {}
    put(local({ ...known, ...unknown, ...entry.local }))
    put(data)
    if (entry.descriptor === true) put(words(0x08074b50, known.crc, known.compressedSize, known.size))
    else if (entry.descriptor) put(entry.descriptor)
    directory.push(central({ ...known, ...entry.central }))
  }
  const list = Buffer.concat(directory)
  const place = { start: at, size: list.length, count: entries.length }
  const before = end.beforeEnd?.(place) ?? new Uint8Array(0)
  const parts = [end.prefix, ...body, list, before, endRecord(place, end), end.suffix]
  return Buffer.concat(parts.map((part) => part ?? new Uint8Array(0)))
}

/** A zip64 record and its locator, for `beforeEnd`, at `at` in the file. */
export function zip64End(
  { start, size, count }: { start: number; size: number; count: number },
  at = start + size,
): Buffer {
  return Buffer.concat([
    words(0x06064b50, 44, 0, 45 | (45 << 16), 0, 0),
    longs(count, count, size, start),
    words(0x07064b50, 0),
    longs(at),
    words(1),
  ])
}

/** An extra field. */
export function extraField(id: number, data: Uint8Array): Buffer {
  return Buffer.concat([shorts(id, data.length), data])
}

export function shorts(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => Buffer.from([value & 0xff, (value >>> 8) & 0xff])))
}

export function words(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => shorts(value & 0xffff, value >>> 16)))
}

export function longs(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => words(value >>> 0, Math.floor(value / 2 ** 32))))
}

function local(header: RawHeader): Buffer {
  const name = Buffer.from(header.name)
  return Buffer.concat([
    words(0x04034b50),
    shorts(20, header.flags, header.method, 0, 0),
    words(header.crc, header.compressedSize, header.size),
    shorts(name.length, header.extra.length),
    name,
    header.extra,
  ])
}

function central(header: RawHeader): Buffer {
  const name = Buffer.from(header.name)
  return Buffer.concat([
    words(0x02014b50),
    shorts(20, 20, header.flags, header.method, 0, 0),
    words(header.crc, header.compressedSize, header.size),
    shorts(name.length, header.extra.length, 0, 0, 0),
    words(0, header.offset),
    name,
    header.extra,
  ])
}

function endRecord(place: { start: number; size: number; count: number }, end: RawEnd): Buffer {
  const comment = end.comment ?? new Uint8Array(0)
  const count = end.count ?? place.count
  return Buffer.concat([
    words(0x06054b50),
    shorts(end.disk ?? 0, end.disk ?? 0, count, count),
    words(end.size ?? place.size, end.start ?? place.start),
    shorts(end.commentLength ?? comment.length),
    comment,
  ])
}
