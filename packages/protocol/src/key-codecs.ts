// SPDX-License-Identifier: Apache-2.0

/**
 * Keys inside messages. An absent key is the all-zero key.
 *
 * @module
 */

import {
  type ChallengePublic,
  type DiscoPublic,
  type HardwareAttestationPublic,
  type LockPublic,
  type MachinePublic,
  type NodePublic,
  parseChallengePublic,
  parseDiscoPublic,
  parseHardwareAttestationPublic,
  parseLockPublic,
  parseMachinePublic,
  parseNodePublic,
  zeroChallengePublic,
  zeroDiscoPublic,
  zeroLockPublic,
  zeroMachinePublic,
  zeroNodePublic,
} from '@signet/keys'
import { parsedText } from './codecs.ts'
import type { Codec } from './schema.ts'

/** A machine key, `mkey:`. */
export const machineKey: Codec<MachinePublic> = parsedText(
  zeroMachinePublic,
  parseMachinePublic,
  'machine key',
)

/** A node key, `nodekey:`. */
export const nodeKey: Codec<NodePublic> = parsedText(zeroNodePublic, parseNodePublic, 'node key')

/** A disco key, `discokey:`. */
export const discoKey: Codec<DiscoPublic> = parsedText(
  zeroDiscoPublic,
  parseDiscoPublic,
  'disco key',
)

/** A challenge key, `chalpub:`. */
export const challengeKey: Codec<ChallengePublic> = parsedText(
  zeroChallengePublic,
  parseChallengePublic,
  'challenge key',
)

/** A lock key, `nlpub:`; `tlpub:` is read too. */
export const lockKey: Codec<LockPublic> = parsedText(zeroLockPublic, parseLockPublic, 'lock key')

/** A hardware key, `hwattestpub:`; "" is none. */
export const hardwareKey: Codec<HardwareAttestationPublic> = parsedText(
  parseHardwareAttestationPublic(''),
  parseHardwareAttestationPublic,
  'hardware key',
)
