// SPDX-License-Identifier: Apache-2.0

/**
 * Discovery packets: a mark, the sender's disco key, a nonce, and a box (NaCl crypto_box) for the receiver.
 *
 * ```
 * "TS" f0 9f 92 ac | sender 32 | nonce 24 | box: 16 + message
 * ```
 *
 * The key in a packet is a claim; opening the box proves it.
 *
 * @module
 */

import { concatBytes } from '@signet/codec'
import { boxOpen, boxSeal, boxSharedKey } from '@signet/crypto'
import {
  discoPublicBytes,
  discoPublicFromBytes,
  discoPublicOf,
  privateKeyBytes,
  type DiscoPrivate,
  type DiscoPublic,
} from '@signet/keys'
import { DiscoError } from './errors.ts'

const MAGIC: Uint8Array = Uint8Array.of(0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac)
const KEY_LENGTH = 32
const NONCE_LENGTH = 24
const BOX_AT = MAGIC.length + KEY_LENGTH + NONCE_LENGTH

/** What all messages between two disco keys are sealed with, in both directions. */
export type DiscoShared = Uint8Array & { readonly __shared: 'disco' }

/**
 * Returns the secret that we share with another key; slow, to be kept. With a key of low order everybody shares
 * it: what discovery finds is a place to try, and WireGuard proves who is there.
 */
export function discoShared(own: DiscoPrivate, other: DiscoPublic): DiscoShared {
  return boxSharedKey(privateKeyBytes(own), discoPublicBytes(other)) as DiscoShared
}

/** Whether a datagram is one of discovery, by its mark: WireGuard's begin otherwise. */
export function looksLikeDisco(packet: Uint8Array): boolean {
  return packet.length >= BOX_AT && MAGIC.every((byte, i) => packet[i] === byte)
}

/** Returns who a packet says it is from. @throws DiscoError `not-disco` */
export function discoSender(packet: Uint8Array): DiscoPublic {
  if (!looksLikeDisco(packet)) throw new DiscoError('not-disco', 'No discovery packet')
  return discoPublicFromBytes(packet.slice(MAGIC.length, MAGIC.length + KEY_LENGTH))
}

/** Seals a message. `nonce` has 24 bytes and must never come twice. */
export function sealDisco(
  own: DiscoPrivate,
  shared: DiscoShared,
  nonce: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const sender = discoPublicBytes(discoPublicOf(own))
  return concatBytes(MAGIC, sender, nonce, boxSeal(shared, nonce, message))
}

/**
 * Returns the message in a packet of the key that `shared` was made with.
 *
 * @throws DiscoError `not-disco`, `bad-box`
 */
export function openDisco(shared: DiscoShared, packet: Uint8Array): Uint8Array {
  if (!looksLikeDisco(packet)) throw new DiscoError('not-disco', 'No discovery packet')
  const nonce = packet.subarray(BOX_AT - NONCE_LENGTH, BOX_AT)
  const message = boxOpen(shared, nonce, packet.subarray(BOX_AT))
  if (message === null)
    throw new DiscoError('bad-box', 'The box of a discovery packet does not open')
  return message
}
