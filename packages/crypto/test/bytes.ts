// SPDX-License-Identifier: Apache-2.0

/** Hex in, hex out, for tests that quote vectors. */

/** Returns the bytes of hex, white space ignored. */
export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))
}

/** Returns the hex of bytes. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Returns the UTF-8 of a text. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Returns a copy with one bit of one byte changed. */
export function flipBit(bytes: Uint8Array, index: number): Uint8Array {
  const out = new Uint8Array(bytes)
  out[index] = (out[index] ?? 0) ^ 1
  return out
}
