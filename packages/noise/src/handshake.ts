// SPDX-License-Identifier: Apache-2.0

/**
 * The handshake of the control connection: Noise IK, both sides, as functions of bytes.
 *
 *   client                                    server
 *     -> e, es, s, ss     initiation, 101 bytes
 *     <- e, ee, se        response, 51 bytes
 *
 * The client knows the server's key beforehand and sends its own machine key encrypted. The
 * protocol version is in clear before the initiation and bound to the handshake as its prologue.
 *
 * @module
 */

import { concatBytes, encodeUtf8 } from '@signet/codec'
import { x25519PublicKey } from '@signet/crypto'
import {
  generateMachineKey,
  type MachinePrivate,
  type MachinePublic,
  machinePublicBytes,
  machinePublicFromBytes,
  privateKeyBytes,
} from '@signet/keys'
import { NoiseError, type NoiseErrorCode } from './errors.ts'
import { HEADER_LENGTH, INITIATION_LENGTH, RESPONSE_LENGTH, TAG_LENGTH } from './limits.ts'
import { errorMessage, frameMessage, messageLength, MessageType } from './messages.ts'
import { SymmetricState } from './symmetric-state.ts'

const EMPTY = new Uint8Array()
const KEY = 32
const INITIATION_HEADER = 5

/** What both sides hold after the handshake. */
export interface NoiseSession {
  /** Key of the records that this side sends. */
  readonly sendKey: Uint8Array
  /** Key of the records that this side receives. */
  readonly receiveKey: Uint8Array
  /** The same on both sides, and never the same for two connections. */
  readonly handshakeHash: Uint8Array
  /** The protocol version that both sides are bound to. */
  readonly version: number
}

/** What a client needs for a handshake. */
export interface InitiatorOptions {
  /** The client's capability version. */
  readonly version: number
  readonly machineKey: MachinePrivate
  readonly serverKey: MachinePublic
  /** A fresh key; only tests pass one. */
  readonly ephemeral?: MachinePrivate
}

/** A client that has made its initiation and waits for the response. */
export interface Initiator {
  /** To be sent to the server. */
  readonly initiation: Uint8Array
  /**
   * Takes all bytes received so far and returns the session and the bytes after the response, or
   * undefined if more bytes are needed. Succeeds at most once.
   *
   * @throws NoiseError `wrong-type`, `wrong-length`, `refused`, `decrypt`, `low-order-point`
   */
  readResponse(received: Uint8Array): InitiatorResult | undefined
}

/** The outcome of a client's handshake. */
export interface InitiatorResult {
  readonly session: NoiseSession
  /** Bytes after the response; they belong to the record layer. */
  readonly rest: Uint8Array
}

/** What happened on the server. */
export interface ResponderResult {
  readonly session: NoiseSession
  /** The client's machine key. It owns that key, which is all that is known about it. */
  readonly clientKey: MachinePublic
  readonly version: number
  /** To be sent to the client. */
  readonly response: Uint8Array
}

/**
 * Starts a handshake as client.
 *
 * @throws NoiseError `low-order-point` if the server's key is of low order
 */
export function createInitiator(options: InitiatorOptions): Initiator {
  const { version, serverKey } = options
  const machine = privateKeyBytes(options.machineKey)
  const ephemeral = privateKeyBytes(options.ephemeral ?? generateMachineKey())
  const server = machinePublicBytes(serverKey)

  const state = startState(version, server)
  const ephemeralPublic = x25519PublicKey(ephemeral)
  state.mixHash(ephemeralPublic)
  const es = state.mixSharedSecret(ephemeral, server)
  const sealedMachine = state.encryptAndHash(es, x25519PublicKey(machine))
  const ss = state.mixSharedSecret(machine, server)
  const tag = state.encryptAndHash(ss, EMPTY)
  const payload = concatBytes(ephemeralPublic, sealedMachine, tag)
  const initiation = concatBytes(
    Uint8Array.of(version >> 8, version & 0xff),
    frameMessage(MessageType.Initiation, payload),
  )

  let done = false
  return {
    initiation,
    readResponse(received) {
      const response = takeResponse(received)
      if (response === undefined) return undefined
      if (done) throw new NoiseError('closed', 'Cannot finish a handshake twice')
      done = true
      const serverEphemeral = response.subarray(HEADER_LENGTH, HEADER_LENGTH + KEY)
      state.mixHash(serverEphemeral)
      state.mixSharedSecret(ephemeral, serverEphemeral)
      const se = state.mixSharedSecret(machine, serverEphemeral)
      state.decryptAndHash(se, response.subarray(HEADER_LENGTH + KEY), 'handshake response')
      const [sendKey, receiveKey] = state.split()
      return {
        session: { sendKey, receiveKey, handshakeHash: state.hash, version },
        rest: received.subarray(RESPONSE_LENGTH),
      }
    },
  }
}

/** Checks the shape of what the server answered; undefined while bytes are missing. */
function takeResponse(received: Uint8Array): Uint8Array | undefined {
  if (received.length < HEADER_LENGTH) return undefined
  const type = received[0]
  const length = messageLength(received)
  if (type === MessageType.Error) {
    if (received.length < HEADER_LENGTH + length) return undefined
    const text = printable(received.subarray(HEADER_LENGTH, HEADER_LENGTH + length))
    throw new NoiseError('refused', `Server refused the handshake: "${text}"`)
  }
  if (type !== MessageType.Response) {
    throw new NoiseError('wrong-type', `Cannot read handshake response: message type ${type}`)
  }
  if (length !== RESPONSE_LENGTH - HEADER_LENGTH) {
    throw new NoiseError('wrong-length', `Cannot read handshake response: length ${length}`)
  }
  return received.length < RESPONSE_LENGTH ? undefined : received.subarray(0, RESPONSE_LENGTH)
}

// The text is not authenticated: keep it short, and free of anything a terminal would act on.
function printable(text: Uint8Array): string {
  return Array.from(text.subarray(0, 200), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?',
  ).join('')
}

/** What a server needs for a handshake. */
export interface ResponderOptions {
  readonly serverKey: MachinePrivate
  readonly initiation: Uint8Array
  /** A fresh key; only tests pass one. */
  readonly ephemeral?: MachinePrivate
}

/**
 * Answers an initiation as server. Any machine key may complete the handshake.
 *
 * @throws NoiseError `wrong-size`, `wrong-type`, `wrong-length`, each with the `reply` to send;
 *   `decrypt`, `low-order-point`, which are answered by silence
 */
export function respond(options: ResponderOptions): ResponderResult {
  const { initiation } = options
  checkInitiation(initiation)
  const version = ((initiation[0] ?? 0) << 8) | (initiation[1] ?? 0)
  const server = privateKeyBytes(options.serverKey)
  const ephemeral = privateKeyBytes(options.ephemeral ?? generateMachineKey())
  const machineStart = INITIATION_HEADER + KEY
  const tagStart = machineStart + KEY + TAG_LENGTH
  const clientEphemeral = initiation.subarray(INITIATION_HEADER, machineStart)

  const state = startState(version, x25519PublicKey(server))
  state.mixHash(clientEphemeral)
  const es = state.mixSharedSecret(server, clientEphemeral)
  const client = state.decryptAndHash(
    es,
    initiation.subarray(machineStart, tagStart),
    'machine key',
  )
  const ss = state.mixSharedSecret(server, client)
  state.decryptAndHash(ss, initiation.subarray(tagStart), 'initiation tag')

  const ephemeralPublic = x25519PublicKey(ephemeral)
  state.mixHash(ephemeralPublic)
  state.mixSharedSecret(ephemeral, clientEphemeral)
  const se = state.mixSharedSecret(ephemeral, client)
  const tag = state.encryptAndHash(se, EMPTY)
  const [receiveKey, sendKey] = state.split()
  return {
    session: { sendKey, receiveKey, handshakeHash: state.hash, version },
    clientKey: machinePublicFromBytes(client),
    version,
    response: frameMessage(MessageType.Response, concatBytes(ephemeralPublic, tag)),
  }
}

function checkInitiation(initiation: Uint8Array): void {
  if (initiation.length !== INITIATION_LENGTH) {
    refuse('wrong-size', 'wrong handshake initiation size')
  }
  if (initiation[2] !== MessageType.Initiation) {
    refuse('wrong-type', 'unexpected handshake message type')
  }
  if (messageLength(initiation.subarray(2)) !== INITIATION_LENGTH - INITIATION_HEADER) {
    refuse('wrong-length', 'wrong handshake initiation length')
  }
}

// The texts are on the wire; official clients show them to their users.
function refuse(code: NoiseErrorCode, text: string): never {
  throw new NoiseError(code, `Refused handshake: ${text}`, { reply: errorMessage(text) })
}

function startState(version: number, serverKey: Uint8Array): SymmetricState {
  const state = new SymmetricState()
  state.mixHash(encodeUtf8(`Tailscale Control Protocol v${version}`))
  state.mixHash(serverKey)
  return state
}
