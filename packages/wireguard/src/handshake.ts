// SPDX-License-Identifier: Apache-2.0

/**
 * The handshake Noise_IKpsk2, both roles, without mac1 and mac2. WireGuard paper, section 5.4.
 *
 * ```
 *   initiator                                             responder
 *   createInitiation ---- e, es, s, ss, {timestamp} ----> readInitiation, then
 *                                                         verifyInitiation (now we know who)
 *   readResponse     <--- e, ee, se, psk, {} ------------ createResponse
 * ```
 *
 * Reading an initiation is in two steps because only the first tells whose static key to look up.
 * What the messages say is proven by the second step and by the response; nothing before that may
 * change the state of a peer.
 *
 * @module
 */

import { x25519PublicKey } from '@signet/crypto'
import { INITIATION_SIZE, MessageType, readUint32, RESPONSE_SIZE, writeUint32 } from './message.ts'
import { sharedSecret, SymmetricState } from './symmetric-state.ts'

/** Our own long-term key. */
export interface LocalIdentity {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}

/** What a handshake needs to know about the other side. */
export interface RemoteIdentity {
  readonly publicKey: Uint8Array
  /** Agreement of both long-term keys, see {@link staticSecret}. */
  readonly staticSecret: Uint8Array
  /** All zeros when there is none. */
  readonly presharedKey: Uint8Array
}

/** Keys of a finished handshake, named from our side. */
export interface TransportKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
  /** Index by which the other side finds the session. */
  readonly remoteIndex: number
}

/** An initiation that was sent and not answered yet. */
export interface PendingInitiation {
  readonly localIndex: number
  readonly ephemeral: Uint8Array
  readonly state: SymmetricState
}

/** First half of reading an initiation: who claims to have sent it. */
export interface OpenedInitiation {
  readonly remotePublicKey: Uint8Array
  readonly remoteIndex: number
  readonly remoteEphemeral: Uint8Array
  readonly state: SymmetricState
  readonly sealedTimestamp: Uint8Array
}

/** Second half: the sender is who it claims to be, at least once in the past. */
export interface VerifiedInitiation {
  readonly remotePublicKey: Uint8Array
  readonly remoteIndex: number
  readonly remoteEphemeral: Uint8Array
  readonly state: SymmetricState
  readonly timestamp: Uint8Array
}

/**
 * Returns the agreement of both long-term keys; worth keeping per peer, it is the same every time.
 *
 * @throws WireguardError `low-order-point`.
 */
export function staticSecret(local: LocalIdentity, remotePublicKey: Uint8Array): Uint8Array {
  return sharedSecret(local.privateKey, remotePublicKey)
}

/**
 * Returns an initiation whose mac1 and mac2 are still zero, and what is needed to read the answer.
 *
 * @throws WireguardError `low-order-point` when the remote key is unusable.
 */
export function createInitiation(input: {
  readonly local: LocalIdentity
  readonly remote: RemoteIdentity
  readonly localIndex: number
  readonly ephemeral: Uint8Array
  readonly timestamp: Uint8Array
}): { readonly message: Uint8Array; readonly pending: PendingInitiation } {
  const { local, remote, localIndex, ephemeral } = input
  const state = SymmetricState.start(remote.publicKey)
  const ephemeralPublic = x25519PublicKey(ephemeral)
  state.mixKey(ephemeralPublic)
  state.mixHash(ephemeralPublic)
  const agreed = sharedSecret(ephemeral, remote.publicKey)
  const sealedStatic = state.mixKeyAndSeal(agreed, local.publicKey)
  agreed.fill(0)
  const sealedTimestamp = state.mixKeyAndSeal(remote.staticSecret, input.timestamp)

  const message = new Uint8Array(INITIATION_SIZE)
  writeUint32(message, 0, MessageType.Initiation)
  writeUint32(message, 4, localIndex)
  message.set(ephemeralPublic, 8)
  message.set(sealedStatic, 40)
  message.set(sealedTimestamp, 88)
  return { message, pending: { localIndex, ephemeral, state } }
}

/**
 * Decrypts the sender's static key. Length, type and mac1 were checked by the caller.
 *
 * @throws WireguardError `low-order-point`, `not-decryptable`.
 */
export function readInitiation(local: LocalIdentity, message: Uint8Array): OpenedInitiation {
  const state = SymmetricState.start(local.publicKey)
  const remoteEphemeral = message.slice(8, 40)
  state.mixKey(remoteEphemeral)
  state.mixHash(remoteEphemeral)
  const agreed = sharedSecret(local.privateKey, remoteEphemeral)
  const remotePublicKey = state.mixKeyAndOpen(agreed, message.subarray(40, 88))
  agreed.fill(0)
  return {
    remotePublicKey,
    remoteIndex: readUint32(message, 4),
    remoteEphemeral,
    state,
    sealedTimestamp: message.slice(88, 116),
  }
}

/**
 * Checks that the owner of the static key made this initiation, and returns its timestamp. Whether
 * the timestamp is new is for the caller to check.
 *
 * @throws WireguardError `not-decryptable`.
 */
export function verifyInitiation(
  opened: OpenedInitiation,
  staticSecret: Uint8Array,
): VerifiedInitiation {
  const { remotePublicKey, remoteIndex, remoteEphemeral, state } = opened
  const timestamp = state.mixKeyAndOpen(staticSecret, opened.sealedTimestamp)
  return { remotePublicKey, remoteIndex, remoteEphemeral, state, timestamp }
}

/**
 * Returns the response (mac1 and mac2 still zero) and the transport keys. The keys must not be used
 * for sending until something sealed with them arrives: only that proves a live initiator.
 *
 * @throws WireguardError `low-order-point`.
 */
export function createResponse(input: {
  readonly initiation: VerifiedInitiation
  readonly presharedKey: Uint8Array
  readonly localIndex: number
  readonly ephemeral: Uint8Array
}): {
  readonly message: Uint8Array
  readonly keys: TransportKeys
  readonly state: SymmetricState
} {
  const { initiation, localIndex, ephemeral } = input
  const { state, remoteIndex } = initiation
  const ephemeralPublic = x25519PublicKey(ephemeral)
  state.mixKey(ephemeralPublic)
  state.mixHash(ephemeralPublic)
  state.mixAgreement(ephemeral, initiation.remoteEphemeral)
  state.mixAgreement(ephemeral, initiation.remotePublicKey)
  const sealedEmpty = state.mixPresharedAndSeal(input.presharedKey)

  const message = new Uint8Array(RESPONSE_SIZE)
  writeUint32(message, 0, MessageType.Response)
  writeUint32(message, 4, localIndex)
  writeUint32(message, 8, remoteIndex)
  message.set(ephemeralPublic, 12)
  message.set(sealedEmpty, 44)
  const keys = state.split()
  return {
    message,
    keys: { send: keys.responderToInitiator, receive: keys.initiatorToResponder, remoteIndex },
    state,
  }
}

/**
 * Reads the answer to our initiation. The pending state is left as it was, so that a forged answer
 * does not spoil the handshake for the real one.
 *
 * @throws WireguardError `low-order-point`, `not-decryptable`.
 */
export function readResponse(
  local: LocalIdentity,
  pending: PendingInitiation,
  presharedKey: Uint8Array,
  message: Uint8Array,
): { readonly keys: TransportKeys; readonly state: SymmetricState } {
  const state = pending.state.clone()
  const remoteEphemeral = message.subarray(12, 44)
  state.mixKey(remoteEphemeral)
  state.mixHash(remoteEphemeral)
  state.mixAgreement(pending.ephemeral, remoteEphemeral)
  state.mixAgreement(local.privateKey, remoteEphemeral)
  state.mixPresharedAndOpen(presharedKey, message.subarray(44, 60))
  const keys = state.split()
  const remoteIndex = readUint32(message, 4)
  return {
    keys: { send: keys.initiatorToResponder, receive: keys.responderToInitiator, remoteIndex },
    state,
  }
}

/** Overwrites the secrets of a handshake that is finished or given up. */
export function wipePending(pending: PendingInitiation): void {
  pending.ephemeral.fill(0)
  pending.state.wipe()
}
