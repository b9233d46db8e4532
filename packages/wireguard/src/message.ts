// SPDX-License-Identifier: Apache-2.0

/**
 * Layout of the four messages. WireGuard paper, section 5.4: little-endian, fixed offsets.
 *
 * ```
 * initiation 148   type 4 | sender 4 | ephemeral 32 | static 32+16 | timestamp 12+16 | mac1 16 | mac2 16
 * response    92   type 4 | sender 4 | receiver 4 | ephemeral 32 | empty 0+16 | mac1 16 | mac2 16
 * cookie      64   type 4 | receiver 4 | nonce 24 | cookie 16+16
 * transport  32+   type 4 | receiver 4 | counter 8 | content n+16
 * ```
 *
 * @module
 */

/** Message types; the field is 32 bits wide, so set reserved bytes make another, unknown type. */
export const MessageType = {
  Initiation: 1,
  Response: 2,
  CookieReply: 3,
  Transport: 4,
} as const
/** One of {@link MessageType}. */
export type MessageType = (typeof MessageType)[keyof typeof MessageType]

/** Length of an initiation. */
export const INITIATION_SIZE = 148
/** Length of a response. */
export const RESPONSE_SIZE = 92
/** Length of a cookie reply. */
export const COOKIE_REPLY_SIZE = 64
/** Length of the header of a transport message. */
export const TRANSPORT_HEADER_SIZE = 16
/** Length of an authentication tag. */
export const TAG_SIZE = 16
/** Length of a transport message without content: a keepalive. */
export const TRANSPORT_MIN_SIZE: number = TRANSPORT_HEADER_SIZE + TAG_SIZE
/** Length of mac1, mac2 and of a cookie. */
export const MAC_SIZE = 16
/** Length of keys, points and hashes. */
export const KEY_SIZE = 32

/** Reads 32 bits, little-endian; bytes past the end count as zero. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)) >>>
    0
  )
}

/** Writes 32 bits, little-endian. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value
  bytes[offset + 1] = value >>> 8
  bytes[offset + 2] = value >>> 16
  bytes[offset + 3] = value >>> 24
}

/**
 * Returns the type of a datagram whose length is possible for that type, else null. This is the
 * cheapest check, made before anything else is looked at.
 */
export function messageType(datagram: Uint8Array): MessageType | null {
  if (datagram.length < 4) return null
  switch (readUint32(datagram, 0)) {
    case MessageType.Initiation:
      return datagram.length === INITIATION_SIZE ? MessageType.Initiation : null
    case MessageType.Response:
      return datagram.length === RESPONSE_SIZE ? MessageType.Response : null
    case MessageType.CookieReply:
      return datagram.length === COOKIE_REPLY_SIZE ? MessageType.CookieReply : null
    case MessageType.Transport:
      return datagram.length >= TRANSPORT_MIN_SIZE ? MessageType.Transport : null
    default:
      return null
  }
}
