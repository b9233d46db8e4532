// SPDX-License-Identifier: Apache-2.0

/**
 * mac1, mac2 and cookies. WireGuard paper, sections 5.3 and 5.4.4, 5.4.7.
 *
 * mac1 proves that the sender knows our public key; without it we do nothing at all. mac2 proves,
 * while we are under load, that the sender owns its source address: it is keyed with a cookie that
 * we sent there, a MAC of the address under a secret that changes every two minutes.
 *
 * @module
 */

import { concatBytes, encodeUtf8 } from '@signet/codec'
import {
  blake2s256,
  blake2sKeyed,
  constantTimeEqual,
  xchacha20Poly1305Open,
  xchacha20Poly1305Seal,
} from '@signet/crypto'
import { COOKIE_LIFETIME_MS } from './limits.ts'
import { COOKIE_REPLY_SIZE, KEY_SIZE, MAC_SIZE, MessageType, writeUint32 } from './message.ts'
import { WireguardError } from './wireguard-error.ts'

const MAC1_LABEL = encodeUtf8('mac1----')
const COOKIE_LABEL = encodeUtf8('cookie--')
const NONCE_SIZE = 24

/** Returns the key of mac1 for messages to the owner of a public key. */
export function mac1Key(publicKey: Uint8Array): Uint8Array {
  return blake2s256(concatBytes(MAC1_LABEL, publicKey))
}

/** Returns the key that hides cookies sent by the owner of a public key. */
export function cookieKey(publicKey: Uint8Array): Uint8Array {
  return blake2s256(concatBytes(COOKIE_LABEL, publicKey))
}

/**
 * Writes mac1, and mac2 when there is a cookie, into the last 32 bytes of a handshake message.
 * Returns mac1, which a cookie reply to this message will be bound to.
 */
export function writeMacs(
  message: Uint8Array,
  key: Uint8Array,
  cookie: Uint8Array | null,
): Uint8Array {
  const mac1At = message.length - 2 * MAC_SIZE
  const mac2At = message.length - MAC_SIZE
  const mac1 = blake2sKeyed(key, message.subarray(0, mac1At), MAC_SIZE)
  message.set(mac1, mac1At)
  if (cookie === null) message.fill(0, mac2At)
  else message.set(blake2sKeyed(cookie, message.subarray(0, mac2At), MAC_SIZE), mac2At)
  return mac1
}

/** Tells whether mac1 of a handshake message is right. */
export function isMac1Valid(message: Uint8Array, key: Uint8Array): boolean {
  const mac1At = message.length - 2 * MAC_SIZE
  const expected = blake2sKeyed(key, message.subarray(0, mac1At), MAC_SIZE)
  return constantTimeEqual(expected, message.subarray(mac1At, mac1At + MAC_SIZE))
}

/** Tells whether mac2 of a handshake message is right for a cookie. */
export function isMac2Valid(message: Uint8Array, cookie: Uint8Array): boolean {
  const mac2At = message.length - MAC_SIZE
  const expected = blake2sKeyed(cookie, message.subarray(0, mac2At), MAC_SIZE)
  return constantTimeEqual(expected, message.subarray(mac2At))
}

/** Returns the cookie of a source address under a secret. */
export function cookieFor(secret: Uint8Array, source: Uint8Array): Uint8Array {
  return blake2sKeyed(secret, source, MAC_SIZE)
}

/** Returns the reply that carries `cookie` to the sender of a message with this `mac1`. */
export function createCookieReply(input: {
  readonly key: Uint8Array
  readonly receiverIndex: number
  readonly nonce: Uint8Array
  readonly cookie: Uint8Array
  readonly mac1: Uint8Array
}): Uint8Array {
  const reply = new Uint8Array(COOKIE_REPLY_SIZE)
  writeUint32(reply, 0, MessageType.CookieReply)
  writeUint32(reply, 4, input.receiverIndex)
  reply.set(input.nonce, 8)
  reply.set(xchacha20Poly1305Seal(input.key, input.nonce, input.mac1, input.cookie), 32)
  return reply
}

/**
 * Returns the cookie in a reply to a message of ours with this `mac1`.
 *
 * @throws WireguardError `not-decryptable`.
 */
export function readCookieReply(key: Uint8Array, mac1: Uint8Array, reply: Uint8Array): Uint8Array {
  const cookie = xchacha20Poly1305Open(
    key,
    reply.subarray(8, 8 + NONCE_SIZE),
    mac1,
    reply.subarray(8 + NONCE_SIZE),
  )
  if (cookie === null) {
    throw new WireguardError('not-decryptable', 'Cannot read cookie reply: authentication failed')
  }
  return cookie
}

/** The side that hands out cookies: one per device. */
export class CookieIssuer {
  readonly #random: (length: number) => Uint8Array
  readonly #mac1Key: Uint8Array
  readonly #cookieKey: Uint8Array
  #secret: Uint8Array = new Uint8Array(0)
  #secretSince = Number.NEGATIVE_INFINITY

  constructor(publicKey: Uint8Array, random: (length: number) => Uint8Array) {
    this.#random = random
    this.#mac1Key = mac1Key(publicKey)
    this.#cookieKey = cookieKey(publicKey)
  }

  /** Tells whether the sender knows our public key. */
  isMac1Valid(message: Uint8Array): boolean {
    return isMac1Valid(message, this.#mac1Key)
  }

  /** Tells whether the sender got a cookie from us at this address, not long ago. */
  isMac2Valid(message: Uint8Array, source: Uint8Array, now: number): boolean {
    if (now - this.#secretSince > COOKIE_LIFETIME_MS) return false
    return isMac2Valid(message, cookieFor(this.#secret, source))
  }

  /** Returns the cookie reply for a message whose mac1 is valid. */
  reply(message: Uint8Array, senderIndex: number, source: Uint8Array, now: number): Uint8Array {
    if (now - this.#secretSince > COOKIE_LIFETIME_MS) {
      this.#secret = this.#random(KEY_SIZE)
      this.#secretSince = now
    }
    return createCookieReply({
      key: this.#cookieKey,
      receiverIndex: senderIndex,
      nonce: this.#random(NONCE_SIZE),
      cookie: cookieFor(this.#secret, source),
      mac1: message.subarray(message.length - 2 * MAC_SIZE, message.length - MAC_SIZE),
    })
  }
}

/** The side that is given cookies: one per peer. Completes our handshake messages to it. */
export class CookieJar {
  readonly #mac1Key: Uint8Array
  readonly #cookieKey: Uint8Array
  #lastMac1: Uint8Array | null = null
  #cookie: Uint8Array | null = null
  #cookieSince = 0

  constructor(peerPublicKey: Uint8Array) {
    this.#mac1Key = mac1Key(peerPublicKey)
    this.#cookieKey = cookieKey(peerPublicKey)
  }

  /** Writes both MACs into a message that is about to be sent. */
  complete(message: Uint8Array, now: number): void {
    if (now - this.#cookieSince > COOKIE_LIFETIME_MS) this.#cookie = null
    this.#lastMac1 = writeMacs(message, this.#mac1Key, this.#cookie)
  }

  /**
   * Keeps the cookie for the messages to come. Nothing is sent in return: whoever saw our message
   * can make such a reply.
   *
   * @throws WireguardError `unexpected-cookie` when nothing was sent, `not-decryptable`.
   */
  accept(reply: Uint8Array, now: number): void {
    if (this.#lastMac1 === null) {
      throw new WireguardError('unexpected-cookie', 'Cannot accept cookie: no message was sent')
    }
    this.#cookie = readCookieReply(this.#cookieKey, this.#lastMac1, reply)
    this.#cookieSince = now
    this.#lastMac1 = null
  }
}
