// SPDX-License-Identifier: Apache-2.0

/**
 * Where a network cuts a stream means nothing: whatever a client or a relay of the region sends, sound or damaged, has
 * the same effects in one piece and in many.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes } from '@signet/codec'
import { generateNodeKey, nodePublicOf, parseDerpMeshKey } from '@signet/keys'
import type { NodePublic } from '@signet/keys'
import * as fc from 'fast-check'
import {
  createRelay,
  DerpError,
  encodeClosePeer,
  encodeForwardPacket,
  encodeFrame,
  encodeNotePreferred,
  encodePing,
  encodeSendPacket,
  encodeWatchConns,
} from '../src/index.ts'
import { RelayClient } from './relay-client.ts'

const MESH = parseDerpMeshKey('7f'.repeat(32))
const serverPrivate = generateNodeKey()
const keys = [generateNodeKey(), generateNodeKey(), generateNodeKey()] as const
const targets = [...keys, generateNodeKey()].map(nodePublicOf)

const target = fc.constantFrom(...targets)
const disco = fc.integer({ min: 55, max: 70 }).map((length) => {
  const packet = new Uint8Array(length)
  packet.set([0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac])
  return packet
})
const data = fc.oneof(fc.uint8Array({ maxLength: 300 }), disco)
const frame = fc.oneof(
  {
    arbitrary: fc.tuple(target, data).map(([to, bytes]) => encodeSendPacket(to, bytes)),
    weight: 6,
  },
  fc.tuple(target, target, data).map((parts) => encodeForwardPacket(...parts)),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map(encodePing),
  fc.boolean().map(encodeNotePreferred),
  fc.constant(encodeWatchConns()),
  target.map((key: NodePublic) => encodeClosePeer(key)),
  fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 100 })).map(([type, b]) => encodeFrame(type, b)),
)
const damage = fc.array(fc.record({ at: fc.nat(2_000), to: fc.nat(255) }), { maxLength: 2 })

/** Feeds a stream in these pieces; returns what everybody got, who is connected, and how it ended. */
function run(stream: Uint8Array, cuts: readonly number[], isMesh: boolean): unknown {
  const relay = createRelay({
    serverKey: serverPrivate,
    meshKey: MESH,
    refusal: () => undefined,
    now: () => 0,
    nonce: () => new Uint8Array(24),
  })
  const clients = keys.map((key, index) =>
    new RelayClient(relay, key).join(relay.publicKey, isMesh && index === 0 ? MESH : null),
  )
  const [sender] = clients
  let end = 'open'
  try {
    let at = 0
    for (const cut of [...cuts, stream.length]) {
      const piece = stream.slice(at, Math.min(stream.length, at + cut))
      at += piece.length
      if (piece.length > 0 && sender?.isClosed === false) sender?.connection.receive(piece)
    }
  } catch (error) {
    assert.ok(error instanceof DerpError)
    end = error.code
    sender?.connection.closed()
  }
  const { counters } = relay
  return {
    // What follows on a connection that was closed is judged or not; nothing comes of it.
    end: sender?.isClosed === true ? 'closed' : end,
    counters,
    size: relay.size,
    closed: clients.map((client) => client.isClosed),
    // Who is closed may lose what was on its way.
    received: clients.map((client) => (client.isClosed ? [] : client.received())),
  }
}

for (const isMesh of [false, true]) {
  test(`a relay does the same for a stream of ${isMesh ? 'a relay' : 'a client'} in any pieces`, () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 12 }),
        damage,
        fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 60 }),
        (frames, damaged, cuts) => {
          const stream = concatBytes(...frames)
          for (const { at, to } of damaged) if (at < stream.length) stream[at] = to
          const whole = run(stream, [], isMesh)
          assert.deepEqual(run(stream, cuts, isMesh), whole)
          assert.deepEqual(run(stream, Array(stream.length).fill(1), isMesh), whole)
        },
      ),
      { numRuns: 150 },
    )
  })
}
