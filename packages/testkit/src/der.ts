// SPDX-License-Identifier: Apache-2.0

/**
 * As much of DER (X.690) as it takes to write a certificate. Nothing is parsed here.
 *
 * @module
 */

const Tag = {
  Integer: 0x02,
  BitString: 0x03,
  OctetString: 0x04,
  ObjectId: 0x06,
  Utf8String: 0x0c,
  Sequence: 0x30,
  Set: 0x31,
} as const

/** One element with this tag. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  // The long form: how many bytes the length has, then the length.
  const digits = content.length.toString(16)
  const length = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content])
}

/** SEQUENCE. */
export function sequence(...items: readonly Uint8Array[]): Buffer {
  return element(Tag.Sequence, ...items)
}

/** SET of one item: more would have to be sorted. */
export function setOf(item: Uint8Array): Buffer {
  return element(Tag.Set, item)
}

/** INTEGER of the bytes of a number that is not negative. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0)
  const short = first === -1 ? Uint8Array.of(0) : bytes.subarray(first)
  return element(Tag.Integer, (short[0] ?? 0) < 0x80 ? short : Uint8Array.of(0, ...short))
}

/** BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return element(Tag.BitString, Uint8Array.of(0), bytes)
}

/** OCTET STRING. */
export function octetString(bytes: Uint8Array): Buffer {
  return element(Tag.OctetString, bytes)
}

/** UTF8String. */
export function utf8String(text: string): Buffer {
  return element(Tag.Utf8String, Buffer.from(text, 'utf8'))
}

/** OBJECT IDENTIFIER, written with dots. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(Tag.ObjectId, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)))
}

/** Seven bits a byte, the highest first; all but the last have the top bit set. */
function base128(value: number): number[] {
  const bytes = [value & 0x7f]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 | (rest & 0x7f))
  }
  return bytes
}

/** PEM of one element. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
