// SPDX-License-Identifier: Apache-2.0

/**
 * Which way datagrams take, over a discovery that only writes down what it is asked.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nodePublicOf } from '@signet/keys'
import { createFakeClock } from '@signet/testkit'
import type { Discovery, PathEvents } from '../src/paths/discovery.ts'
import { relayEndpoint } from '../src/paths/relay-endpoint.ts'
import {
  CALLED_MS,
  HEARTBEAT_MS,
  MAX_CALLED,
  MAX_SEEN,
  ROUND_MS,
  TRUST_MS,
} from '../src/paths/relay-limits.ts'
import { createRoutes } from '../src/paths/routes.ts'
import { admittedPeer, keyOf } from './support/tunnel-pair.ts'

const SELF = nodePublicOf(keyOf('self'))
const PEER = nodePublicOf(keyOf('peer'))
const RELAY = relayEndpoint(PEER)
const NEAR = '192.0.2.1:1'
const FAR = '192.0.2.2:2'
const DATA = Uint8Array.of(4)
const INITIATION = Uint8Array.of(1)

function createWorld(options: { discoKey?: string; hasRelay?: boolean } = {}) {
  const { discoKey = `discokey:${'1'.repeat(64)}`, hasRelay = true } = options
  const clock = createFakeClock()
  const sent: string[] = []
  const asked: string[][] = []
  let calls = 0
  let events: PathEvents | undefined
  const discovery: Discovery = {
    send: (_datagram, endpoint) => void sent.push(endpoint),
    onDatagram() {},
    localEndpoints: () => [],
    setPeers() {},
    onPaths: (next) => void (events = next),
    ping: () => undefined,
    ask: (_peer, endpoints) => void asked.push([...endpoints]),
    call: () => void calls++,
  }
  const routes = createRoutes({ discovery, clock, hasRelay: () => hasRelay })
  const peer = admittedPeer({
    name: 'peer',
    nodeKey: PEER,
    allowedIps: [],
    endpoints: [NEAR, FAR],
    discoKey,
  })
  routes.setPeers(SELF, [peer])
  assert.ok(events)
  const take = <T>(list: T[]): T[] => list.splice(0)
  return {
    clock,
    routes,
    peer,
    events,
    asked: () => take(asked),
    calls: () => calls,
    send(endpoint: string, datagram = DATA): string[] {
      routes.send(datagram, endpoint, PEER)
      return take(sent)
    },
  }
}

describe('createRoutes()', () => {
  test('goes by the relay while no direct path has answered, and tries all, not too often', () => {
    const { send, asked, calls, clock } = createWorld()
    assert.deepEqual(send(RELAY), [RELAY])
    assert.deepEqual(asked(), [[NEAR, FAR]])
    assert.equal(calls(), 1)
    clock.advance(ROUND_MS - 1)
    send(RELAY)
    assert.deepEqual(asked(), [])
    clock.advance(1)
    send(RELAY)
    assert.deepEqual(asked(), [[NEAR, FAR]])
    assert.equal(calls(), 2)
  })

  test('goes directly for as long as an answer is worth, then both ways', () => {
    const { send, events, clock, asked } = createWorld()
    events.answered(PEER, NEAR, 5)
    assert.deepEqual(send(RELAY), [NEAR])
    assert.deepEqual(asked(), [[NEAR]], 'and asks whether it still works')
    clock.advance(HEARTBEAT_MS - 1)
    send(RELAY)
    assert.deepEqual(asked(), [])
    clock.advance(TRUST_MS - HEARTBEAT_MS)
    assert.deepEqual(send(RELAY), [NEAR])
    clock.advance(1)
    assert.deepEqual(send(RELAY), [NEAR, RELAY])
  })

  test('does not take it for a proof that the peer was heard somewhere', () => {
    const { send, events } = createWorld()
    assert.deepEqual(send(NEAR), [NEAR, RELAY])
    events.answered(PEER, NEAR, 5)
    assert.deepEqual(send(NEAR), [NEAR])
    // It moved: there and here, until it answers there.
    assert.deepEqual(send(FAR), [FAR, NEAR])
    events.answered(PEER, FAR, 50)
    assert.deepEqual(send(FAR), [FAR])
  })

  test('leaves a direct path for one that is much faster, and not for another', () => {
    const { send, events } = createWorld()
    events.answered(PEER, FAR, 10)
    events.answered(PEER, NEAR, 8)
    assert.deepEqual(send(RELAY), [FAR])
    events.answered(PEER, RELAY, 0)
    assert.deepEqual(send(RELAY), [FAR])
    events.answered(PEER, NEAR, 6)
    assert.deepEqual(send(RELAY), [NEAR])
  })

  test('sends initiations where it is told, and by a relay to the path that answered, too', () => {
    const { send, events } = createWorld()
    assert.deepEqual(send(NEAR, INITIATION), [NEAR])
    assert.deepEqual(send(RELAY, INITIATION), [RELAY])
    events.answered(PEER, FAR, 5)
    assert.deepEqual(send(RELAY, INITIATION), [RELAY, FAR])
  })

  test('does what WireGuard says without a relay, and for one without discovery', () => {
    const alone = createWorld({ hasRelay: false })
    assert.deepEqual(alone.send(NEAR), [NEAR])
    assert.deepEqual(alone.asked(), [])
    const silent = createWorld({ discoKey: '' })
    assert.deepEqual(silent.send(NEAR), [NEAR])
    assert.deepEqual(silent.send(RELAY), [RELAY])
    assert.deepEqual(silent.asked(), [])
  })

  test('asks where a peer calls from: so many endpoints, and so often', () => {
    const { events, asked, clock } = createWorld()
    const named = Array.from({ length: MAX_CALLED + 1 }, (_, i) => `198.51.100.${i}:1`)
    events.called(PEER, named)
    assert.deepEqual(asked(), [named.slice(0, MAX_CALLED)])
    clock.advance(CALLED_MS - 1)
    events.called(PEER, named)
    assert.deepEqual(asked(), [])
    clock.advance(1)
    events.called(PEER, named)
    assert.equal(asked().length, 1)
  })

  test('asks back where it was asked from, and remembers so many such places', () => {
    const { events, asked, send, clock } = createWorld()
    for (let i = 0; i <= MAX_SEEN; i++) events.asked(PEER, `198.51.100.${i}:1`)
    assert.deepEqual(asked(), [['198.51.100.0:1']])
    clock.advance(HEARTBEAT_MS)
    events.asked(PEER, RELAY)
    assert.deepEqual(asked(), [])
    send(RELAY)
    assert.equal(asked()[0]?.length, 2 + MAX_SEEN)
  })

  test('knows nothing of one who is gone, and nothing old of one who restarted', () => {
    const { routes, peer, send, events, asked } = createWorld()
    events.answered(PEER, NEAR, 5)
    routes.setPeers(SELF, [{ ...peer, homeRelay: 1 }])
    assert.deepEqual(send(RELAY), [NEAR])
    routes.setPeers(SELF, [{ ...peer, discoKey: `discokey:${'2'.repeat(64)}` }])
    assert.deepEqual(send(RELAY), [RELAY])
    routes.setPeers(SELF, [])
    asked()
    events.called(PEER, [NEAR])
    events.asked(PEER, NEAR)
    events.answered(PEER, NEAR, 5)
    assert.deepEqual(asked(), [])
    assert.deepEqual(send(RELAY), [RELAY])
  })
})
