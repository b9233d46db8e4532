// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateNodeKey, parseDerpMeshKey } from '@signet/keys'
import {
  createRelay,
  encodeNotePreferred,
  encodePing,
  encodeSendPacket,
  MAX_PACKET,
  MIN_RATE_BURST,
} from '../src/index.ts'
import type { Relay, RelayRate } from '../src/index.ts'
import { TokenBucket } from '../src/token-bucket.ts'
import { RelayClient } from './relay-client.ts'

const MESH = parseDerpMeshKey('7f'.repeat(32))

function limited(rate: RelayRate): { relay: Relay; clock: { now: number } } {
  const clock = { now: 0 }
  const relay = createRelay({
    serverKey: generateNodeKey(),
    meshKey: MESH,
    refusal: () => undefined,
    now: () => clock.now,
    nonce: () => new Uint8Array(24),
    rate,
  })
  return { relay, clock }
}

describe('a relay with a rate', () => {
  test('has a client wait that sent more than it may, and no other', () => {
    const { relay, clock } = limited({ bytesPerSecond: 1_000, burst: 0, advertise: false })
    const [a, b] = [new RelayClient(relay), new RelayClient(relay)]
    for (const each of [a, b]) each.join(relay.publicKey)
    assert.deepEqual(a.received(), [{ type: 'server-info', bytesPerSecond: 0, burst: 0 }])
    // The longest packet fits, with five bytes to spare on neither side: its header is counted.
    const longest = encodeSendPacket(b.key, new Uint8Array(MAX_PACKET - 5))
    assert.equal(longest.length, MIN_RATE_BURST)
    assert.equal(a.connection.receive(longest), 0)
    assert.equal(a.connection.receive(encodeNotePreferred(true)), 6)
    assert.equal(b.connection.receive(encodePing(new Uint8Array(8))), 0)
    clock.now += 6
    assert.equal(a.connection.receive(new Uint8Array()), 0)
    assert.equal(a.connection.receive(encodePing(new Uint8Array(8))), 13)
  })

  test('tells clients of it when asked to, and does not hold up relays of the region', () => {
    const { relay } = limited({ bytesPerSecond: 10, burst: 100_000, advertise: true })
    const a = new RelayClient(relay).join(relay.publicKey)
    assert.deepEqual(a.received(), [{ type: 'server-info', bytesPerSecond: 10, burst: 100_000 }])
    const mesh = new RelayClient(relay).join(relay.publicKey, MESH)
    assert.deepEqual(mesh.received(), [{ type: 'server-info', bytesPerSecond: 0, burst: 0 }])
    const packet = encodeSendPacket(a.key, new Uint8Array(MAX_PACKET))
    for (let i = 0; i < 3; i++) assert.equal(mesh.connection.receive(packet.slice()), 0)
  })

  test('announces a restart to all who were admitted', () => {
    const { relay } = limited({ bytesPerSecond: 10, burst: 0, advertise: false })
    const a = new RelayClient(relay).join(relay.publicKey)
    const stranger = new RelayClient(relay)
    a.received()
    relay.announceRestart(() => 1_000, 70_000)
    const restarting = { type: 'restarting', reconnectInMs: 1_000, tryForMs: 70_000 }
    assert.deepEqual(a.received(), [restarting])
    assert.deepEqual(stranger.received(), [])
  })
})

test('TokenBucket.spend() lends, and a clock that goes back gives nothing', () => {
  const bucket = new TokenBucket(1_000, 10, 0)
  assert.equal(bucket.spend(10, 0), 0)
  assert.equal(bucket.spend(1, 0), 1)
  assert.equal(bucket.spend(0, -1_000), 1)
  assert.equal(bucket.spend(0, -999), 0)
  assert.equal(bucket.spend(11, 1_000_000), 1)
})
