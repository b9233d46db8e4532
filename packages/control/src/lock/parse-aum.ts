// SPDX-License-Identifier: Apache-2.0

/**
 * Updates as they arrive: decoded strictly. What is not in canonical form is refused, because its bytes would
 * hash to something else than its content, and clients of different age could disagree about its name.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { isSmallOrder } from '@signet/crypto'
import { AumKind, decodeAum, encodeAum, hasRepeatedSignature, TkaError } from '@signet/tka'
import type { Aum, Key } from '@signet/tka'
import { ControlError } from '../errors.ts'

/** 512 keys with all the metadata that they may have are 300 KiB. */
const MAX_AUM_BYTES = 512 << 10

/**
 * Decodes one update.
 *
 * @throws ControlError 'bad-request'
 */
export function parseAum(bytes: Uint8Array): Aum {
  if (bytes.length > MAX_AUM_BYTES) throw malformed(`it is larger than ${MAX_AUM_BYTES} bytes`)
  const aum = decode(bytes)
  if (!equalBytes(encodeAum(aum), bytes)) throw malformed('it is not in canonical form')
  if (aum.prev !== null && aum.prev.length !== 32) throw malformed('its parent is not 32 bytes')
  const keys: readonly Key[] = [...(aum.key === null ? [] : [aum.key]), ...(aum.state?.keys ?? [])]
  if (keys.some((key) => key.public?.length !== 32)) throw malformed('a key in it is not 32 bytes')
  // Anybody can sign under such a key, with a little trying.
  if (keys.some((key) => key.public !== null && isSmallOrder(key.public))) {
    throw malformed('anybody could sign with a key in it; look whether the key was copied whole')
  }
  // A signature that is there twice gives an update another name, and makes it slow to check.
  if (hasRepeatedSignature(aum)) throw malformed('one key has signed it twice')
  if (aum.kind === AumKind.Invalid) throw malformed('it has no kind')
  return aum
}

function decode(bytes: Uint8Array): Aum {
  try {
    return decodeAum(bytes)
  } catch (cause) {
    if (!(cause instanceof TkaError)) throw cause
    throw new ControlError('bad-request', `Cannot read an update: ${cause.message}`, { cause })
  }
}

function malformed(reason: string): ControlError {
  return new ControlError('bad-request', `Cannot accept an update: ${reason}`)
}
