// SPDX-License-Identifier: Apache-2.0

/**
 * TSMP, the messages that nodes send each other inside the tunnel as IP protocol 99. Only the ping
 * and its answer have a meaning here; a rejection or an announcement of a disco key is recognised
 * and left alone.
 *
 * @module
 */

import { encodeIpPacket, type IpPacket, IpProtocol, readUint16, writeUint16 } from './packet.ts'

const PING = 0x70 // 'p', 8 bytes of the sender's choice
const PONG = 0x6f // 'o', the same 8 bytes, port of the peer API or 0
const REJECT = 0x21 // '!'
const DISCO_KEY = 0x61 // 'a', 32 bytes
const TOKEN = 8

/** A message of one of the kinds in use; `token` is what a ping and its pong share. */
export type Tsmp =
  | { readonly kind: 'ping'; readonly token: Uint8Array }
  | { readonly kind: 'pong'; readonly token: Uint8Array; readonly peerApiPort: number }
  | { readonly kind: 'reject' }
  | { readonly kind: 'disco-key'; readonly key: Uint8Array }

/** Returns the message in a packet, or null when it is none or of an unknown kind. */
export function parseTsmp(packet: IpPacket): Tsmp | null {
  const { protocol, payload } = packet
  if (protocol !== IpProtocol.Tsmp) return null
  const body = payload.subarray(1)
  switch (payload[0]) {
    case PING:
      return body.length < TOKEN ? null : { kind: 'ping', token: body.subarray(0, TOKEN) }
    case PONG:
      if (body.length < TOKEN) return null
      return {
        kind: 'pong',
        token: body.subarray(0, TOKEN),
        peerApiPort: body.length < TOKEN + 2 ? 0 : readUint16(body, TOKEN),
      }
    case REJECT:
      return { kind: 'reject' }
    case DISCO_KEY:
      return body.length < 32 ? null : { kind: 'disco-key', key: body.subarray(0, 32) }
    default:
      return null
  }
}

/** Returns a whole packet with a ping of an 8-byte token. */
export function encodeTsmpPing(
  source: Uint8Array,
  destination: Uint8Array,
  token: Uint8Array,
): Uint8Array {
  const payload = new Uint8Array(1 + TOKEN)
  payload[0] = PING
  payload.set(token, 1)
  return encodeIpPacket({ protocol: IpProtocol.Tsmp, source, destination, payload })
}

/** Returns a whole packet with the answer to a ping; port 0 says that there is no peer API. */
export function encodeTsmpPong(
  source: Uint8Array,
  destination: Uint8Array,
  token: Uint8Array,
  peerApiPort: number,
): Uint8Array {
  const payload = new Uint8Array(1 + TOKEN + 2)
  payload[0] = PONG
  payload.set(token, 1)
  writeUint16(payload, 1 + TOKEN, peerApiPort)
  return encodeIpPacket({ protocol: IpProtocol.Tsmp, source, destination, payload })
}
