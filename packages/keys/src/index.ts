// SPDX-License-Identifier: Apache-2.0

/**
 * Typed keys and their text forms. Public keys are canonical strings of distinct types: comparable
 * with `===`, fit as map keys, equal to their JSON. Private keys are objects that do not print.
 *
 * @module
 */

// Node keys
export {
  generateNodeKey,
  isZeroNodePublic,
  nodePrivateFromBytes,
  nodePublicBinary,
  nodePublicBytes,
  nodePublicFromBytes,
  nodePublicOf,
  parseNodePrivate,
  parseNodePublic,
  parseNodePublicBinary,
  parseUntypedNodePublic,
  shortNodeKey,
  type NodePrivate,
  type NodePublic,
  wireguardPeerText,
  zeroNodePublic,
} from './node-key.ts'

// Machine keys
export {
  generateMachineKey,
  isZeroMachinePublic,
  machinePrivateFromBytes,
  machinePublicBytes,
  machinePublicFromBytes,
  machinePublicOf,
  parseMachinePrivate,
  parseMachinePublic,
  shortMachineKey,
  type MachinePrivate,
  type MachinePublic,
  zeroMachinePublic,
} from './machine-key.ts'

// Lock keys
export {
  generateLockKey,
  isZeroLockPublic,
  lockKeyId,
  lockPrivateFromBytes,
  lockPrivateFromSeed,
  lockPublicBytes,
  lockPublicCliText,
  lockPublicFromBytes,
  lockPublicOf,
  lockSigner,
  parseLockPrivate,
  parseLockPublic,
  type LockPrivate,
  type LockPublic,
  type LockSigner,
  zeroLockPublic,
} from './lock-key.ts'

// Disco keys
export {
  discoPrivateFromBytes,
  discoPublicBytes,
  discoPublicFromBytes,
  discoPublicOf,
  generateDiscoKey,
  isZeroDiscoPublic,
  parseDiscoPublic,
  shortDiscoKey,
  sortedDiscoPair,
  type DiscoPrivate,
  type DiscoPublic,
  zeroDiscoPublic,
} from './disco-key.ts'

// Keys of single connections, relays and hardware
export {
  challengePublicBytes,
  challengePublicFromBytes,
  challengePublicOf,
  generateChallengeKey,
  isZeroChallengePublic,
  parseChallengePublic,
  type ChallengePrivate,
  type ChallengePublic,
  zeroChallengePublic,
} from './challenge-key.ts'
export { derpMeshKeyText, parseDerpMeshKey, type DerpMeshKey } from './derp-mesh-key.ts'
export { parseHardwareAttestationPublic, type HardwareAttestationPublic } from './hardware-key.ts'

// What private keys have in common
export {
  privateKeyBytes,
  privateKeyText,
  type PrivateKey,
  type PrivateKeyKind,
} from './private-key.ts'

// Errors
export { KeyError, type KeyErrorCode } from './errors.ts'
