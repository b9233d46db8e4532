// SPDX-License-Identifier: Apache-2.0

/**
 * CRC-32 (ISO-HDLC, the one of gzip and Ethernet): finds accidents, no attackers.
 *
 * @module
 */

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

/** Returns the CRC of bytes, or of what `before` is the CRC of with these bytes behind it. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[i] ?? 0)) & 255] ?? 0)
  }
  return ~crc >>> 0
}
