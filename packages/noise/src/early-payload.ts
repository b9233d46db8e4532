// SPDX-License-Identifier: Apache-2.0

/**
 * The early payload: JSON that a server may send before its HTTP/2 bytes.
 *
 * Five magic bytes that no HTTP/2 frame starts with, a big-endian length of four bytes, JSON.
 *
 * @module
 */

import { concatBytes, decodeUtf8, encodeUtf8 } from '@signet/codec'
import { challengePublicFromBytes, type ChallengePublic, parseChallengePublic } from '@signet/keys'
import { NoiseError } from './errors.ts'
import { MAX_EARLY_PAYLOAD } from './limits.ts'

const MAGIC = Uint8Array.of(0xff, 0xff, 0xff, 0x54, 0x53)
const HEADER = MAGIC.length + 4

/** What the server says before HTTP/2. */
export interface EarlyPayload {
  /** Official clients do nothing with it today. */
  readonly nodeKeyChallenge: ChallengePublic
}

/** An early payload, or none, and the HTTP/2 bytes after it. */
export interface EarlyPayloadResult {
  readonly payload: EarlyPayload | null
  readonly rest: Uint8Array
}

/** Returns the bytes of an early payload, to be sent before the first HTTP/2 byte. */
export function encodeEarlyPayload(payload: EarlyPayload): Uint8Array {
  const json = encodeUtf8(JSON.stringify({ nodeKeyChallenge: payload.nodeKeyChallenge }))
  const header = new Uint8Array(HEADER)
  header.set(MAGIC)
  new DataView(header.buffer).setUint32(MAGIC.length, json.length)
  return concatBytes(header, json)
}

/**
 * Takes all decrypted bytes received so far. Returns undefined if more are needed to decide. If the
 * first bytes are not the magic, there is no early payload and they are HTTP/2.
 *
 * @throws NoiseError `early-payload`
 */
export function parseEarlyPayload(received: Uint8Array): EarlyPayloadResult | undefined {
  if (received.length < HEADER) return undefined
  if (!MAGIC.every((byte, i) => received[i] === byte)) return { payload: null, rest: received }
  const length = new DataView(received.buffer, received.byteOffset).getUint32(MAGIC.length)
  if (length > MAX_EARLY_PAYLOAD) {
    throw new NoiseError('early-payload', `Cannot read early payload of ${length} bytes`)
  }
  if (received.length < HEADER + length) return undefined
  const payload = parseJson(received.subarray(HEADER, HEADER + length))
  return { payload, rest: received.subarray(HEADER + length) }
}

function parseJson(json: Uint8Array): EarlyPayload | null {
  try {
    const value: unknown = JSON.parse(decodeUtf8(json))
    if (value === null) return null
    if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError('not an object')
    let nodeKeyChallenge = challengePublicFromBytes(new Uint8Array(32))
    for (const [name, member] of Object.entries(value)) {
      // Names match in any case; null leaves the key as it is.
      if (name.toLowerCase() !== 'nodekeychallenge' || member === null) continue
      if (typeof member !== 'string') throw new TypeError('key is not a text')
      nodeKeyChallenge = parseChallengePublic(member)
    }
    return { nodeKeyChallenge }
  } catch (cause) {
    throw new NoiseError('early-payload', 'Cannot read early payload: malformed JSON', { cause })
  }
}
