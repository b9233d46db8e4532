// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  createInitiation,
  createResponse,
  type LocalIdentity,
  type PendingInitiation,
  readInitiation,
  readResponse,
  staticSecret,
  type TransportKeys,
  verifyInitiation,
} from '../src/handshake.ts'
import { tai64n } from '../src/tai64n.ts'
import { createSeededRandom, localFrom } from './harness.ts'

const random = createSeededRandom(42)
const ZERO = new Uint8Array(32)

interface Exchange {
  readonly initiator: LocalIdentity
  readonly responder: LocalIdentity
  readonly initiation: Uint8Array
  readonly pending: PendingInitiation
  readonly response: Uint8Array
  readonly responderKeys: TransportKeys
}

function exchange(presharedKey: Uint8Array = ZERO): Exchange {
  const initiator = localFrom(random(32))
  const responder = localFrom(random(32))
  const { message: initiation, pending } = createInitiation({
    local: initiator,
    remote: {
      publicKey: responder.publicKey,
      staticSecret: staticSecret(initiator, responder.publicKey),
      presharedKey,
    },
    localIndex: 0x0102_0304,
    ephemeral: random(32),
    timestamp: tai64n(1_700_000_000, 0),
  })
  const opened = readInitiation(responder, initiation)
  const answer = createResponse({
    initiation: verifyInitiation(opened, staticSecret(responder, opened.remotePublicKey)),
    presharedKey,
    localIndex: 0xa1a2_a3a4,
    ephemeral: random(32),
  })
  const { message: response, keys: responderKeys } = answer
  return { initiator, responder, initiation, pending, response, responderKeys }
}

describe('a handshake', () => {
  test('gives both sides the same keys and indexes', () => {
    for (const presharedKey of [ZERO, random(32)]) {
      const { initiator, pending, response, responderKeys } = exchange(presharedKey)
      const { keys } = readResponse(initiator, pending, presharedKey, response)
      assert.deepEqual(keys.send, responderKeys.receive)
      assert.deepEqual(keys.receive, responderKeys.send)
      assert.notDeepEqual(keys.send, keys.receive)
      assert.equal(keys.remoteIndex, 0xa1a2_a3a4)
      assert.equal(responderKeys.remoteIndex, 0x0102_0304)
    }
  })

  test('can still be finished after forged responses', () => {
    const { initiator, pending, response } = exchange()
    const forged = exchange().response
    assert.throws(() => readResponse(initiator, pending, ZERO, forged), { code: 'not-decryptable' })
    assert.equal(readResponse(initiator, pending, ZERO, response).keys.remoteIndex, 0xa1a2_a3a4)
  })
})

describe('readInitiation() and verifyInitiation() refuse', () => {
  const rows: readonly [what: string, offset: number, code: string][] = [
    ['another ephemeral key', 8, 'not-decryptable'],
    ['a changed static key', 40, 'not-decryptable'],
    ['a changed tag of the static key', 72, 'not-decryptable'],
    ['a changed timestamp', 88, 'not-decryptable'],
    ['a changed tag of the timestamp', 100, 'not-decryptable'],
  ]
  for (const [what, offset, code] of rows) {
    test(what, () => {
      const { initiator, responder, initiation } = exchange()
      initiation[offset] = (initiation[offset] ?? 0) ^ 1
      const secret = staticSecret(responder, initiator.publicKey)
      assert.throws(() => verifyInitiation(readInitiation(responder, initiation), secret), { code })
    })
  }

  test('an initiation for another responder', () => {
    const { initiation } = exchange()
    const other = localFrom(random(32))
    assert.throws(() => readInitiation(other, initiation), { code: 'not-decryptable' })
  })

  test('a sender that only claims the static key', () => {
    const { initiator, responder } = exchange()
    // The impostor knows the public key of the initiator, and so no agreement of static keys.
    const { message } = createInitiation({
      local: { privateKey: random(32), publicKey: initiator.publicKey },
      remote: { publicKey: responder.publicKey, staticSecret: random(32), presharedKey: ZERO },
      localIndex: 1,
      ephemeral: random(32),
      timestamp: tai64n(1_700_000_000, 0),
    })
    const opened = readInitiation(responder, message)
    assert.deepEqual(opened.remotePublicKey, initiator.publicKey)
    const secret = staticSecret(responder, initiator.publicKey)
    assert.throws(() => verifyInitiation(opened, secret), { code: 'not-decryptable' })
  })

  test('an ephemeral key of low order', () => {
    const { responder, initiation } = exchange()
    initiation.fill(0, 8, 40)
    assert.throws(() => readInitiation(responder, initiation), { code: 'low-order-point' })
  })
})

describe('readResponse() refuses', () => {
  const rows: readonly [what: string, offset: number][] = [
    ['another ephemeral key', 12],
    ['a changed tag', 44],
    ['a changed end of the tag', 59],
  ]
  for (const [what, offset] of rows) {
    test(what, () => {
      const { initiator, pending, response } = exchange()
      response[offset] = (response[offset] ?? 0) ^ 1
      const read = (): unknown => readResponse(initiator, pending, ZERO, response)
      assert.throws(read, { code: 'not-decryptable' })
    })
  }

  test('another pre-shared key', () => {
    const { initiator, pending, response } = exchange(random(32))
    const read = (): unknown => readResponse(initiator, pending, ZERO, response)
    assert.throws(read, { code: 'not-decryptable' })
  })

  test('an ephemeral key of low order', () => {
    const { initiator, pending, response } = exchange()
    response.fill(0, 12, 44)
    const read = (): unknown => readResponse(initiator, pending, ZERO, response)
    assert.throws(read, { code: 'low-order-point' })
  })
})

test('staticSecret() refuses a public key of low order', () => {
  const one = new Uint8Array(32)
  one[0] = 1
  for (const key of [ZERO, one]) {
    assert.throws(() => staticSecret(localFrom(random(32)), key), { code: 'low-order-point' })
  }
})
