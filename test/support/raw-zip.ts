import { crc32, deflateRawSync } from 'node:zlib'

/** A zip entry, and what its headers claim where that is not the truth. */
export interface RawEntry {
  name: string
  contents: Buffer
  /** Uncompressed size, CRC or compressed size as written in both headers. */
  claim?: { size?: number; crc?: number; compressed?: number }
}

/**
 * Writes a zip byte by byte, so that tests can write wrong ones: any names, any claims. It shares no code with the
 * writer and reader under test.
 */
export function rawZip(entries: readonly RawEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, contents, claim = {} } of entries) {
    const data = deflateRawSync(contents)
    const nameBytes = Buffer.from(name)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x800, 2)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(claim.crc ?? crc32(contents), 10)
    common.writeUInt32LE(claim.compressed ?? data.length, 14)
    common.writeUInt32LE(claim.size ?? contents.length, 18)
    common.writeUInt16LE(nameBytes.length, 22)
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), common, nameBytes, data)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, place, nameBytes)
    offset += 4 + common.length + nameBytes.length + data.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06', 'latin1'), end])
}
