/** The records of the zip format (PKWARE's APPNOTE.TXT, section 4.3): signatures, lengths, and their numbers. */

export const LOCAL_HEADER = { signature: 0x04034b50, length: 30 } as const
export const CENTRAL_HEADER = { signature: 0x02014b50, length: 46 } as const
export const END = { signature: 0x06054b50, length: 22 } as const
export const END64 = { signature: 0x06064b50, length: 56 } as const
export const END64_LOCATOR = { signature: 0x07064b50, length: 20 } as const
export const DESCRIPTOR_SIGNATURE = 0x08074b50

export const STORE = 0
export const DEFLATE = 8

/** Bits of the flags: encrypted; sizes and CRC follow the data; strong encryption; the name is UTF-8; masked header. */
export const FLAG = { encrypted: 0x1, descriptor: 0x8, strong: 0x40, utf8: 0x800, masked: 0x2000 } as const

/** Extra fields: the 64-bit sizes, and Info-ZIP's second name, which some readers prefer to the first. */
export const EXTRA = { zip64: 0x0001, unicodePath: 0x7075 } as const

/** What a field of 16 or 32 bits holds when the number stands in a zip64 record. */
export const IN_ZIP64_16 = 0xffff
export const IN_ZIP64_32 = 0xffffffff

export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

export function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0
}

/** Exact up to 2^53; what is larger stays larger, which is all that the bounds on it need. */
export function u64(bytes: Uint8Array, at: number): number {
  return u32(bytes, at) + u32(bytes, at + 4) * 2 ** 32
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff
  bytes[at + 1] = value >>> 8
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  putU16(bytes, at, value & 0xffff)
  putU16(bytes, at + 2, value >>> 16)
}

export function putU64(bytes: Uint8Array, at: number, value: number): void {
  putU32(bytes, at, value >>> 0)
  putU32(bytes, at + 4, Math.floor(value / 2 ** 32))
}
