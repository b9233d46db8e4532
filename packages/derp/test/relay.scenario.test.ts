// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes } from '@signet/codec'
import {
  generateNodeKey,
  nodePublicBytes,
  nodePublicOf,
  parseDerpMeshKey,
  zeroNodePublic,
} from '@signet/keys'
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
  FrameType,
  MAX_BACKLOG,
  MAX_CLIENT_INFO,
  MAX_PACKET,
  MAX_PING,
  QUEUE_LENGTH,
} from '../src/index.ts'
import type { Relay, ServerMessage } from '../src/index.ts'
import { MAX_CONNECTIONS_PER_KEY } from '../src/limits.ts'
import { RelayClient } from './relay-client.ts'

const MESH = parseDerpMeshKey('7f'.repeat(32))
const INFO: ServerMessage = { type: 'server-info', bytesPerSecond: 0, burst: 0 }
const serverPrivate = generateNodeKey()
const serverKey = nodePublicOf(serverPrivate)

interface Bench {
  readonly relay: Relay
  readonly refused: Set<NodePublic>
  readonly clock: { now: number }
  join(): RelayClient
}

function bench(): Bench {
  const refused = new Set<NodePublic>()
  const clock = { now: 0 }
  const relay = createRelay({
    serverKey: serverPrivate,
    meshKey: MESH,
    refusal: (key) => (refused.has(key) ? 'not of this network' : undefined),
    now: () => clock.now,
    nonce: () => new Uint8Array(24).fill(1),
  })
  const join = (): RelayClient => {
    const client = new RelayClient(relay).join(serverKey)
    assert.deepEqual(client.received(), [INFO])
    return client
  }
  return { relay, refused, clock, join }
}

const data = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes)
const packet = (source: RelayClient, bytes: Uint8Array): ServerMessage => ({
  type: 'packet',
  source: source.key,
  data: bytes,
})
const gone = (peer: NodePublic, reason: number): ServerMessage => ({
  type: 'peer-gone',
  peer,
  reason,
})

/** Looks like a discovery packet. */
function disco(length = 62, mark = 0): Uint8Array {
  const bytes = new Uint8Array(length).fill(mark)
  bytes.set([0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac])
  return bytes
}

describe('a relay', () => {
  test('carries packets by key, in order, in whatever pieces they come', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 })
    const packets = fc.array(
      fc.record({ to: fc.integer({ min: 0, max: 2 }), bytes: fc.uint8Array({ maxLength: 100 }) }),
      { maxLength: 20 },
    )
    const { relay, join } = bench()
    const clients = [join(), join(), join()]
    const [sender] = clients
    fc.assert(
      fc.property(packets, sizes, (all, cuts) => {
        const stream = concatBytes(
          ...all.map(({ to, bytes }) =>
            encodeSendPacket(clients[to]?.key ?? zeroNodePublic, bytes),
          ),
        )
        let at = 0
        for (const size of cuts) {
          if (at < stream.length) sender?.connection.receive(stream.slice(at, at + size))
          at += size
        }
        if (at < stream.length) sender?.connection.receive(stream.slice(at))
        for (const [index, client] of clients.entries()) {
          const expected = all.filter(({ to }) => to === index)
          assert.deepEqual(
            client.received(),
            expected.map(({ bytes }) => packet(sender ?? client, bytes)),
          )
        }
      }),
      { numRuns: 50 },
    )
    assert.equal(relay.size, 3)
  })

  test('writes a run of packets to one client as one piece', () => {
    const { join } = bench()
    const [a, b] = [join(), join()]
    b.written.length = 0
    a.send(...Array.from({ length: 10 }, (_, i) => encodeSendPacket(b.key, data(i))))
    assert.equal(b.written.length, 1)
    assert.equal(b.received().length, 10)
  })

  test('answers pings', () => {
    const { join } = bench()
    const a = join()
    a.send(encodePing(data(1, 2, 3, 4, 5, 6, 7, 8)), encodeNotePreferred(true))
    assert.deepEqual(a.received(), [{ type: 'pong', data: data(1, 2, 3, 4, 5, 6, 7, 8) }])
  })

  test('sends a keep-alive when nothing waits', () => {
    const { relay, join } = bench()
    const a = join()
    a.connection.keepAlive()
    assert.deepEqual(a.received(), [{ type: 'keepalive' }])
    const stranger = new RelayClient(relay)
    stranger.connection.keepAlive()
    assert.deepEqual(stranger.received(), [])
    a.isStalled = true
    stallWith(a, join())
    a.connection.keepAlive()
    a.resume()
    assert.ok(a.received().every(({ type }) => type === 'packet'))
  })

  test('tells those who heard of a client when it is gone', () => {
    const { relay, join } = bench()
    const [a, b, c] = [join(), join(), join()]
    a.send(encodeSendPacket(b.key, data(1)))
    a.connection.closed()
    assert.deepEqual(b.received(), [packet(a, data(1)), gone(a.key, 0)])
    assert.deepEqual(c.received(), [])
    assert.equal(relay.size, 2)
    // Once is enough.
    a.connection.closed()
    assert.deepEqual(b.received(), [])
  })

  test('says "not here" to discovery packets only, and not too often', () => {
    const { join, clock } = bench()
    const a = join()
    const nobody = nodePublicOf(generateNodeKey())
    a.send(encodeSendPacket(nobody, data(1)), encodeSendPacket(nobody, disco(61)))
    assert.deepEqual(a.received(), [])
    for (let i = 0; i < 5; i++) a.send(encodeSendPacket(nobody, disco()))
    assert.deepEqual(a.received(), Array(3).fill(gone(nobody, 1)))
    clock.now += 999
    a.send(encodeSendPacket(nobody, disco()))
    assert.deepEqual(a.received(), [])
    clock.now += 1
    a.send(encodeSendPacket(nobody, disco()), encodeSendPacket(nobody, disco()))
    assert.deepEqual(a.received(), [gone(nobody, 1)])
  })
})

describe('a key that is connected twice', () => {
  test('receives where it spoke last, and is gone with its last connection', () => {
    const { relay, join } = bench()
    const old = join()
    const fresh = new RelayClient(relay, old.privateKey).join(serverKey)
    const other = join()
    fresh.received()
    const say = (...bytes: readonly number[]): void =>
      other.send(encodeSendPacket(old.key, data(...bytes)))
    say(1)
    assert.deepEqual([old.received().length, fresh.received().length], [0, 1])
    old.send(encodeNotePreferred(true))
    say(2)
    assert.deepEqual([old.received().length, fresh.received().length], [1, 0])
    old.send(encodeSendPacket(other.key, data(3)))
    old.connection.closed()
    say(4)
    assert.equal(fresh.received().length, 1)
    assert.deepEqual(other.received(), [packet(old, data(3))])
    fresh.connection.closed()
    assert.deepEqual(other.received(), [gone(old.key, 0)])
  })
})

test('a key that is connected too often loses the connection that was silent for longest', () => {
  const { relay, join } = bench()
  const first = join()
  const again = (): RelayClient => new RelayClient(relay, first.privateKey).join(serverKey)
  const more = Array.from({ length: MAX_CONNECTIONS_PER_KEY - 1 }, again)
  assert.equal(first.isClosed, false)
  first.send(encodeNotePreferred(true))
  again()
  assert.deepEqual([first.isClosed, more[0]?.isClosed, more[1]?.isClosed], [false, true, false])
  assert.equal(relay.size, 1)
})

describe('admission', () => {
  test('is for those that are known, and is asked for again', () => {
    const { relay, refused, join } = bench()
    const stranger = new RelayClient(relay)
    refused.add(stranger.key)
    assert.throws(() => stranger.join(serverKey), { code: 'not-admitted' })
    assert.equal(stranger.connection.key, undefined)
    const [a, b] = [join(), join()]
    refused.add(a.key)
    relay.recheck()
    assert.deepEqual([a.isClosed, b.isClosed, relay.size], [true, false, 1])
    assert.throws(() => a.send(encodePing(new Uint8Array(8))), { code: 'closed' })
  })

  test('is not asked about relays of the region', () => {
    const { relay, refused } = bench()
    const other = new RelayClient(relay)
    refused.add(other.key)
    other.join(serverKey, MESH)
    relay.recheck()
    assert.equal(other.isClosed, false)
  })

  const before: readonly [string, Uint8Array, string][] = [
    ['another type', encodePing(new Uint8Array(8)), 'bad-frame'],
    ['an unknown type', encodeFrame(0x70), 'bad-frame'],
    ['a short introduction', encodeFrame(FrameType.ClientInfo, new Uint8Array(55)), 'bad-frame'],
    ['a zero key', encodeFrame(FrameType.ClientInfo, new Uint8Array(90)), 'zero-key'],
    [
      'a long introduction, by its header',
      Uint8Array.of(FrameType.ClientInfo, 0, 4, 0, 1),
      'too-large',
    ],
  ]
  for (const [name, bytes, code] of before) {
    test(`refuses ${name} as the first frame`, () => {
      const stranger = new RelayClient(bench().relay)
      assert.throws(() => stranger.send(bytes), { name: 'DerpError', code })
      assert.throws(() => stranger.send(bytes), { code })
    })
  }

  test('reads an introduction as long as the limit', () => {
    const stranger = new RelayClient(bench().relay)
    const longest = new Uint8Array(MAX_CLIENT_INFO).fill(1)
    const frame = encodeFrame(FrameType.ClientInfo, longest)
    assert.throws(() => stranger.send(frame), { code: 'bad-box' })
  })
})

describe('frames of an admitted client', () => {
  const to = nodePublicBytes(nodePublicOf(generateNodeKey()))
  const frame = (type: number, length: number): Uint8Array =>
    encodeFrame(type, new Uint8Array(length))
  const rows: readonly [name: string, bytes: Uint8Array, code: string | null][] = [
    ['a packet without receiver', frame(FrameType.SendPacket, 31), 'bad-frame'],
    ['an empty packet', encodeFrame(FrameType.SendPacket, to), null],
    ['the longest packet', frame(FrameType.SendPacket, 32 + MAX_PACKET), null],
    ['a packet beyond', frame(FrameType.SendPacket, 33 + MAX_PACKET), 'too-large'],
    ['a short ping', frame(FrameType.Ping, 7), 'bad-frame'],
    ['the longest ping', frame(FrameType.Ping, MAX_PING), null],
    ['a ping beyond', frame(FrameType.Ping, MAX_PING + 1), 'too-large'],
    ['home without a value', frame(FrameType.NotePreferred, 0), 'bad-frame'],
    ['home with two values', frame(FrameType.NotePreferred, 2), 'bad-frame'],
    ['a wish to watch', frame(FrameType.WatchConns, 0), 'not-permitted'],
    ['a wish to close', frame(FrameType.ClosePeer, 32), 'not-permitted'],
    ['a forwarded packet', frame(FrameType.ForwardPacket, 64), 'not-permitted'],
    ['an unknown frame of any length', frame(0x77, 2_000_000), null],
    ['another introduction', frame(FrameType.ClientInfo, 100), null],
  ]
  for (const [name, bytes, code] of rows) {
    test(`${code === null ? 'take' : 'refuse'} ${name}`, () => {
      const { join } = bench()
      const a = join()
      if (code === null) a.send(bytes)
      else assert.throws(() => a.send(bytes), { code })
    })
  }

  const mesh: readonly [name: string, bytes: Uint8Array, code: string | null][] = [
    ['a wish to watch with a body', frame(FrameType.WatchConns, 1), 'bad-frame'],
    ['a wish to close a short key', frame(FrameType.ClosePeer, 31), 'bad-frame'],
    ['a wish to close two keys', frame(FrameType.ClosePeer, 64), 'too-large'],
    ['a forwarded packet without receiver', frame(FrameType.ForwardPacket, 63), 'bad-frame'],
    ['the longest forwarded packet', frame(FrameType.ForwardPacket, 64 + MAX_PACKET), null],
    ['a forwarded packet beyond', frame(FrameType.ForwardPacket, 65 + MAX_PACKET), 'too-large'],
  ]
  for (const [name, bytes, code] of mesh) {
    test(`${code === null ? 'take' : 'refuse'} ${name} with the mesh key`, () => {
      const { relay } = bench()
      const other = new RelayClient(relay).join(serverKey, MESH)
      if (code === null) other.send(bytes)
      else assert.throws(() => other.send(bytes), { code })
    })
  }

  test('any bytes end in a DerpError or in nothing', () => {
    const { join } = bench()
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }), (chunks) => {
        const a = join()
        try {
          for (const chunk of chunks) a.connection.receive(chunk)
        } catch (error) {
          assert.ok(error instanceof DerpError)
        }
        a.connection.closed()
      }),
    )
  })
})

describe('a relay of the same region', () => {
  test('is told who comes and goes, forwards packets and closes connections', () => {
    const { relay, join } = bench()
    const a = join()
    const mesh = new RelayClient(relay).join(serverKey, MESH)
    mesh.received()
    mesh.send(encodeWatchConns())
    const b = join()
    const seen = mesh.received().map((message) => {
      assert.ok(message.type === 'peer-present')
      return [message.peer, message.flags]
    })
    assert.deepEqual(seen, [
      [a.key, 1],
      [mesh.key, 2],
      [b.key, 1],
    ])
    const far = nodePublicOf(generateNodeKey())
    mesh.send(
      encodeForwardPacket(far, a.key, data(1, 2, 3)),
      encodeForwardPacket(far, b.key, data()),
    )
    assert.deepEqual(a.received(), [{ type: 'packet', source: far, data: data(1, 2, 3) }])
    assert.deepEqual(b.received(), [{ type: 'packet', source: far, data: data() }])
    mesh.send(encodeForwardPacket(a.key, far, disco()))
    assert.deepEqual(mesh.received(), [gone(far, 1)])
    mesh.send(encodeClosePeer(b.key), encodeClosePeer(far))
    assert.equal(b.isClosed, true)
    assert.deepEqual(mesh.received(), [gone(b.key, 0)])
  })

  test('has to know the key', () => {
    const { relay } = bench()
    const other = new RelayClient(relay).join(serverKey, parseDerpMeshKey('80'.repeat(32)))
    assert.throws(() => other.send(encodeWatchConns()), { code: 'not-permitted' })
  })

  test('learns nothing about itself', () => {
    const { relay } = bench()
    const self = new RelayClient(relay, serverPrivate).join(serverKey, MESH)
    self.received()
    self.send(encodeWatchConns())
    assert.deepEqual(self.received(), [])
  })
})

/** Fills what the transport of a stalled client holds back. */
function stallWith(receiver: RelayClient, sender: RelayClient): void {
  const large = new Uint8Array(MAX_PACKET)
  while (receiver.held.bytes < MAX_BACKLOG) sender.send(encodeSendPacket(receiver.key, large))
}

describe('a client that does not read', () => {
  test('keeps the newest packets of each kind, and discovery goes first', () => {
    const { join } = bench()
    const [a, b] = [join(), join()]
    b.isStalled = true
    stallWith(b, a)
    const count = 2 * QUEUE_LENGTH
    for (let i = 0; i < count; i++) {
      a.send(encodeSendPacket(b.key, data(i)), encodeSendPacket(b.key, disco(62, i)))
    }
    assert.equal(b.connection.dropped, 2 * (count - QUEUE_LENGTH))
    b.resume()
    const queued = b.received().flatMap((message) => {
      return message.type === 'packet' && message.data.length < MAX_PACKET ? [message.data] : []
    })
    const newest = Array.from({ length: QUEUE_LENGTH }, (_, i) => count - QUEUE_LENGTH + i)
    assert.deepEqual(queued, [...newest.map((i) => disco(62, i)), ...newest.map((i) => data(i))])
  })

  test('costs no more, however much is sent to it', () => {
    const { join } = bench()
    const [a, b, c] = [join(), join(), join()]
    b.isStalled = true
    // A small packet to it in a large chunk for somebody else: the chunk must not stay.
    const filler = encodeSendPacket(c.key, new Uint8Array(60_000))
    for (let i = 0; i < 3_000; i++) {
      a.send(encodeSendPacket(b.key, new Uint8Array(100)), filler, encodePing(new Uint8Array(8)))
      if (i % 100 === 0) c.received()
    }
    const { bytes, buffers } = b.held
    assert.ok(bytes <= MAX_BACKLOG + 200, `${bytes}`)
    assert.ok(buffers <= MAX_BACKLOG + 2 * 61_000, `${buffers}`)
    assert.ok(b.connection.dropped > 0)
  })

  test('gets one pong for many pings', () => {
    const { join } = bench()
    const [a, b] = [join(), join()]
    b.isStalled = true
    stallWith(b, a)
    for (let i = 0; i < 100; i++) b.send(encodePing(new Uint8Array(8).fill(i)))
    b.resume()
    const pongs = b.received().filter(({ type }) => type === 'pong')
    assert.deepEqual(pongs, [{ type: 'pong', data: new Uint8Array(8).fill(99) }])
  })
})
