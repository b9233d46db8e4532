// SPDX-License-Identifier: Apache-2.0

/**
 * Nodes that reach each other by a relay: where UDP is not let through, where it is, and where the relay
 * is not honest.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { describe, test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { encodeFrame, encodeGreeting, FrameType } from '@signet/derp'
import { generateNodeKey, nodePublicBytes, nodePublicOf } from '@signet/keys'
import { createRelayDialer, relayTargets } from '../src/paths/relay-dial.ts'
import { openRelayLine } from '../src/paths/relay-line.ts'
import { MAX_WAITING_PACKETS, TRUST_MS } from '../src/paths/relay-limits.ts'
import { systemClock, type Clock } from '../src/clock.ts'
import { createUdpWorld, relayParty } from './support/relay-party.ts'
import { mapOf, startTestRelay } from './support/test-relay.ts'

/** Lets the event loop turn until a condition holds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000
  while (!holds()) {
    assert.ok(Date.now() < end, `waited for: ${what}`)
    await turn()
  }
}

async function createPair(t: TestContext, clock: Clock = systemClock) {
  const server = await startTestRelay(t)
  const world = createUdpWorld()
  const a = relayParty(t, 'a', 1, world, { clock })
  const b = relayParty(t, 'b', 2, world, { clock })
  a.engine.setRelays(server.map)
  b.engine.setRelays(server.map)
  await until('both are at the relay', () => server.relay.size === 2)
  return { server, world, a, b }
}

describe('paths by relays', () => {
  test('reach a peer where no datagram is let through, and say which way', async (t) => {
    const { world, a, b } = await createPair(t)
    world.isOpen = false
    a.engine.setPeers([b.peer()])
    b.engine.setPeers([a.peer()])
    for (const kind of ['TSMP', 'disco'] as const) {
      const { relay } = await a.engine.ping(b.ip, kind, 5_000)
      assert.deepEqual(relay, { region: 900, code: 'r900' }, kind)
    }
    assert.deepEqual(a.engine.network(), { WorkingUDP: true, PreferredDERP: 900 })
    const stats = a.engine.stats(b.nodeKey)
    assert.equal(stats?.hasSession, true)
    assert.equal(stats.direct, '')
  })

  test('reach a peer that has no endpoint at all', async (t) => {
    const { a, b } = await createPair(t)
    a.engine.setPeers([b.peer({ endpoints: [] })])
    b.engine.setPeers([a.peer({ endpoints: [] })])
    await a.engine.ping(b.ip, 'TSMP', 5_000)
    // It calls by the relay, is asked at the endpoints that it names, and then direct it is.
    await until('a goes directly', () => a.engine.stats(b.nodeKey)?.direct === '192.0.2.2:41641')
    const pong = await a.engine.ping(b.ip, 'disco', 5_000)
    assert.equal(pong.relay, undefined)
    assert.equal(pong.endpoint, '192.0.2.2:41641')
  })

  test('go directly as soon as that works, and by the relay again when it does not', async (t) => {
    let later = 0
    const clock = { ...systemClock, now: () => Date.now() + later }
    const { world, a, b, server } = await createPair(t, clock)
    a.engine.setPeers([b.peer()])
    b.engine.setPeers([a.peer()])
    await a.engine.ping(b.ip, 'TSMP', 5_000)
    await until('a goes directly', () => a.engine.stats(b.nodeKey)?.direct === '192.0.2.2:41641')
    await a.engine.ping(b.ip, 'TSMP', 5_000)
    const before = server.relay.counters.packets
    for (let i = 0; i < 5; i++) await a.engine.ping(b.ip, 'TSMP', 5_000)
    assert.equal(server.relay.counters.packets, before, 'nothing more goes by the relay')
    world.isOpen = false
    // For as long as the last answer is trusted, nobody knows.
    later = TRUST_MS
    await a.engine.ping(b.ip, 'TSMP', 5_000)
    assert.ok(server.relay.counters.packets > before)
  })

  test('are found again when the relay dies and comes back', async (t) => {
    const { server, world, a, b } = await createPair(t)
    world.isOpen = false
    a.engine.setPeers([b.peer()])
    b.engine.setPeers([a.peer()])
    await a.engine.ping(b.ip, 'TSMP', 5_000)
    await server.stop()
    await until('nobody is there', () => server.relay.size === 0)
    await server.start()
    await until('both are back', () => server.relay.size === 2)
    await a.engine.ping(b.ip, 'TSMP', 5_000)
  })

  test('carry nothing from whom the gate has not admitted, and answer him nothing', async (t) => {
    const { server, world, a, b } = await createPair(t)
    world.isOpen = false
    const c = relayParty(t, 'c', 3, world)
    c.engine.setRelays(server.map)
    await until('all are at the relay', () => server.relay.size === 3)
    const heard: Uint8Array[] = []
    b.paths.onDatagram((datagram) => heard.push(datagram))
    c.engine.setPeers([b.peer()])
    b.engine.setPeers([a.peer()])
    const before = server.relay.counters.packets
    await assert.rejects(c.engine.ping(b.ip, 'TSMP', 300), { code: 'timeout' })
    await assert.rejects(c.engine.ping(b.ip, 'disco', 300), { code: 'timeout' })
    assert.ok(server.relay.counters.packets >= before + 3, 'it did send')
    // What a sends after that does arrive, so it is not that nothing came.
    a.engine.setPeers([b.peer()])
    await assert.rejects(a.engine.ping(b.ip, 'TSMP', 300), { code: 'timeout' })
    assert.equal(heard.length, 1)
    assert.equal(b.paths.refusedByRelay() >= 3, true)
  })

  test('close when the node stops, and take the next key', async (t) => {
    const { server, a } = await createPair(t)
    a.engine.stop()
    await until('one has left', () => server.relay.size === 1)
    const key = generateNodeKey()
    a.engine.setKey(key)
    await until('it is there with another key', () => server.admitted.includes(nodePublicOf(key)))
  })

  test('take the only region at once, and among several the one that answers', async (t) => {
    const one = await startTestRelay(t, { region: 7 })
    const world = createUdpWorld()
    let homes = 0
    const a = relayParty(t, 'a', 1, world, { onHome: () => homes++ })
    a.engine.setRelays(one.map)
    assert.equal(a.engine.network().PreferredDERP, 7)
    assert.equal(homes, 1)
    // A region with a lower number, where nobody listens: the one that answers stays.
    const dead = mapOf([{ region: 3, port: 1 }])
    a.engine.setRelays({ Regions: { ...one.map.Regions, ...dead.Regions } })
    await until('it is measured', () => one.relay.size === 1)
    assert.equal(a.engine.network().PreferredDERP, 7)
    a.engine.setRelays(undefined)
    assert.equal(a.engine.network().PreferredDERP, undefined)
    await until('it has left', () => one.relay.size === 0)
  })
})

describe('openRelayLine()', () => {
  const serverKey = generateNodeKey()
  const greeting = encodeGreeting(nodePublicOf(serverKey))
  const frame = (type: number, length: number): Uint8Array => {
    const bytes = Uint8Array.of(type, 0, 0, 0, 0)
    new DataView(bytes.buffer).setUint32(1, length)
    return bytes
  }
  const hostile: Readonly<Record<string, (stream: Duplex) => void>> = {
    'nothing but noise': (stream) => void stream.write(randomBytes(4096)),
    'a greeting of another kind': (stream) => void stream.write(encodeFrame(1, new Uint8Array(40))),
    'a greeting with a zero key': (stream) =>
      void stream.write(
        encodeFrame(1, Uint8Array.from([...greeting.subarray(5, 13), ...new Uint8Array(32)])),
      ),
    'a greeting without end': (stream) => void stream.write(frame(1, 0xffff_ffff)),
    'a box that does not open': (stream) => {
      stream.write(greeting)
      stream.write(encodeFrame(FrameType.ServerInfo, randomBytes(100)))
    },
    'a frame without end': (stream) => {
      stream.write(greeting)
      stream.write(frame(FrameType.RecvPacket, 0xffff_ffff))
    },
    'frames of all types, cut short': (stream) => {
      stream.write(greeting)
      for (let type = 0; type < 256; type++) stream.write(encodeFrame(type, Uint8Array.of(1)))
    },
    'a closed connection': (stream) => void stream.destroy(),
  }
  for (const [name, serve] of Object.entries(hostile)) {
    test(`tries again after ${name}, and never works`, async (t) => {
      let served = 0
      const server = await startTestRelay(t, {
        serve: (stream) => {
          served++
          serve(stream)
        },
      })
      const region = Object.values(server.map.Regions ?? {})[0]
      assert.ok(region)
      const line = openRelayLine({
        targets: relayTargets(region),
        key: generateNodeKey(),
        dialer: createRelayDialer(),
        clock: systemClock,
        random: () => 0,
        onPacket: () => assert.fail('a packet'),
        onChange: () => {},
      })
      t.after(() => line.close())
      for (let i = 0; i < MAX_WAITING_PACKETS + 8; i++) {
        line.send(nodePublicOf(serverKey), Uint8Array.of(i))
      }
      assert.equal(line.dropped, 8, 'the oldest had to go')
      await until('it was tried twice', () => served >= 2)
      assert.equal(line.isReady, false)
      assert.ok(line.failures >= 1)
    })
  }

  test('hears no packet before the relay has proved its key', async (t) => {
    let served = 0
    const server = await startTestRelay(t, {
      serve: (stream) => {
        served++
        stream.write(greeting)
        const packet = Uint8Array.from([...nodePublicBytes(nodePublicOf(serverKey)), 1, 2, 3])
        stream.write(encodeFrame(FrameType.RecvPacket, packet))
        stream.end()
      },
    })
    const region = Object.values(server.map.Regions ?? {})[0]
    assert.ok(region)
    const line = openRelayLine({
      targets: relayTargets(region),
      key: generateNodeKey(),
      dialer: createRelayDialer(),
      clock: systemClock,
      random: () => 0,
      onPacket: () => assert.fail('a packet'),
      onChange: () => {},
    })
    t.after(() => line.close())
    await until('it was tried twice', () => served >= 2)
  })
})
