// SPDX-License-Identifier: Apache-2.0

/**
 * Relays of one region, in memory:
 *
 *     a - A === B - b
 *          \\ //
 *            C - c
 *
 * Each relay has a link to each other one, and clients of its own.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateNodeKey, nodePublicOf, parseDerpMeshKey } from '@signet/keys'
import type { DerpMeshKey, NodePrivate, NodePublic } from '@signet/keys'
import { createRelay, encodeForwardPacket, encodeSendPacket, MAX_PACKET } from '../src/index.ts'
import type { MeshLink, Relay, RelayConnection, RelayTransport } from '../src/index.ts'
import { MAX_BACKLOG, QUEUE_LENGTH } from '../src/limits.ts'
import { RelayClient } from './relay-client.ts'

const MESH = parseDerpMeshKey('7f'.repeat(32))
const ORIGIN = { address: new Uint8Array(16), port: 7 }

function makeRelay(
  meshKey: DerpMeshKey | undefined = MESH,
  serverKey: NodePrivate = generateNodeKey(),
): Relay {
  return createRelay({
    serverKey,
    meshKey,
    refusal: () => undefined,
    now: () => 0,
    nonce: () => new Uint8Array(24).fill(1),
  })
}

interface Wire {
  readonly link: MeshLink
  /** Bytes to the other relay wait until it is false again. */
  isStalled: boolean
  readonly waiting: () => number
  isClosed: boolean
  cut(): void
}

/** Links `from` to `to`, with bytes that arrive at once. */
function linkTo(from: Relay, to: Relay): Wire {
  const pending: Uint8Array[] = []
  // What the other side says arrives after what is being written, as on a network.
  const replies: Uint8Array[] = []
  let isReplying = false
  const reply = (): void => {
    if (isReplying) return
    isReplying = true
    for (let part = replies.shift(); part !== undefined; part = replies.shift()) link.receive(part)
    isReplying = false
  }
  const deliver = (): void => {
    if (wire.isStalled) return
    for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
      far?.receive(new Uint8Array(part))
    }
  }
  let far: RelayConnection | undefined
  const near: RelayTransport = {
    get backlog() {
      return pending.reduce((sum, part) => sum + part.length, 0)
    },
    write(parts) {
      pending.push(...parts)
      deliver()
    },
    close: () => wire.cut(),
  }
  const link = from.link(near)
  const wire: Wire = {
    link,
    isStalled: false,
    isClosed: false,
    waiting: () => near.backlog,
    cut() {
      if (wire.isClosed) return
      wire.isClosed = true
      link.closed()
      far?.closed()
    },
  }
  far = to.accept(
    {
      backlog: 0,
      write(parts) {
        replies.push(...parts.map((part) => new Uint8Array(part)))
        if (far !== undefined) reply()
      },
      close: () => wire.cut(),
    },
    ORIGIN,
  )
  reply()
  return wire
}

function client(relay: Relay, key?: NodePrivate): RelayClient {
  const made = new RelayClient(relay, key).join(relay.publicKey)
  made.received()
  return made
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

function disco(): Uint8Array {
  const packet = new Uint8Array(62)
  packet.set([0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac])
  return packet
}

const from = (source: NodePublic, data: Uint8Array) => ({ type: 'packet', source, data })
const gone = (peer: NodePublic, reason = 0) => ({ type: 'peer-gone', peer, reason })

describe('relays of one region', () => {
  test('hand packets over to the one that has the receiver, and say when a sender is gone', () => {
    const relays = [makeRelay(), makeRelay(), makeRelay()] as const
    const [A, B, C] = relays
    const early = client(C)
    for (const one of relays) for (const other of relays) if (one !== other) linkTo(one, other)
    const [a, b] = [client(A), client(B)]
    assert.deepEqual([A.size, A.remoteSize, C.remoteSize], [3, 2, 2])
    a.send(encodeSendPacket(b.key, bytes(1)), encodeSendPacket(early.key, bytes(2)))
    assert.deepEqual(b.received(), [from(a.key, bytes(1))])
    assert.deepEqual(early.received(), [from(a.key, bytes(2))])
    b.send(encodeSendPacket(a.key, bytes()))
    assert.deepEqual(a.received(), [from(b.key, bytes())])
    assert.deepEqual([A.counters.forwarded, A.counters.fromMesh], [2, 1])
    a.connection.closed()
    assert.deepEqual(b.received(), [gone(a.key)])
    assert.deepEqual(early.received(), [gone(a.key)])
    assert.equal(B.remoteSize, 1)
  })

  test('prefer a client of their own, and miss it only when it is nowhere', () => {
    const [A, B] = [makeRelay(), makeRelay()]
    linkTo(A, B)
    linkTo(B, A)
    const a = client(A)
    const far = client(B)
    const near = client(A, far.privateKey)
    a.send(encodeSendPacket(far.key, bytes(1)))
    assert.deepEqual([far.received().length, near.received().length], [0, 1])
    near.send(encodeSendPacket(a.key, bytes(9)))
    a.received()
    near.connection.closed()
    // It is at the other relay still.
    assert.deepEqual(a.received(), [])
    a.send(encodeSendPacket(far.key, bytes(2)))
    assert.equal(far.received().length, 1)
    far.connection.closed()
    assert.deepEqual(a.received(), [gone(far.key)])
  })

  test('never hand on what was handed over', () => {
    // B has c at C, but takes packets for it from its own clients only.
    const [A, B, C] = [makeRelay(), makeRelay(), makeRelay()]
    linkTo(B, C)
    const c = client(C)
    const b = client(B)
    const mesh = new RelayClient(A, generateNodeKey())
    mesh.join(A.publicKey, MESH)
    const other = new RelayClient(B).join(B.publicKey, MESH)
    other.received()
    other.send(encodeForwardPacket(b.key, c.key, disco()))
    assert.deepEqual(c.received(), [])
    assert.deepEqual(other.received(), [gone(c.key, 1)])
    b.send(encodeSendPacket(c.key, disco()))
    assert.equal(c.received().length, 1)
  })

  test('forget who was reached by a link when it breaks, and learn it again', () => {
    const [A, B] = [makeRelay(), makeRelay()]
    const wire = linkTo(A, B)
    linkTo(B, A)
    const [a, b] = [client(A), client(B)]
    b.send(encodeSendPacket(a.key, bytes(1)))
    a.received()
    wire.cut()
    assert.deepEqual(a.received(), [gone(b.key)])
    assert.equal(A.remoteSize, 0)
    a.send(encodeSendPacket(b.key, disco()))
    assert.deepEqual(a.received(), [gone(b.key, 1)])
    assert.throws(() => wire.link.receive(bytes(1)), { code: 'closed' })
    linkTo(A, B)
    a.send(encodeSendPacket(b.key, bytes(2)))
    assert.deepEqual(b.received(), [from(a.key, bytes(2))])
  })

  test('use one of two links to the same relay, and the other when that breaks', () => {
    const [A, B] = [makeRelay(), makeRelay()]
    const [first, second] = [linkTo(A, B), linkTo(A, B)]
    const [a, b] = [client(A), client(B)]
    a.send(encodeSendPacket(b.key, bytes(1)))
    assert.deepEqual(b.received(), [from(a.key, bytes(1))])
    first.cut()
    a.send(encodeSendPacket(b.key, bytes(2)))
    assert.deepEqual(b.received(), [from(a.key, bytes(2))])
    second.cut()
    assert.equal(A.remoteSize, 0)
  })

  test('do not link to themselves, nor without a mesh key, nor with a wrong one', () => {
    const A = makeRelay()
    assert.throws(() => linkTo(A, A), { code: 'own-relay' })
    const key = generateNodeKey()
    assert.throws(() => linkTo(makeRelay(MESH, key), makeRelay(MESH, key)), { code: 'own-relay' })
    const plain = createRelay({
      serverKey: key,
      refusal: () => undefined,
      now: () => 0,
      nonce: () => new Uint8Array(24),
    })
    assert.throws(() => linkTo(plain, A), { code: 'not-permitted' })
    const stranger = makeRelay(parseDerpMeshKey('80'.repeat(32)))
    assert.throws(() => linkTo(stranger, A), { code: 'not-permitted' })
    assert.equal(nodePublicOf(key), plain.publicKey)
  })

  test('lose the oldest packets of a link that does not read', () => {
    const [A, B] = [makeRelay(), makeRelay()]
    const wire = linkTo(A, B)
    const [a, b] = [client(A), client(B)]
    wire.isStalled = true
    const large = encodeSendPacket(b.key, new Uint8Array(MAX_PACKET))
    while (wire.waiting() < MAX_BACKLOG) a.send(large)
    const count = 3 * QUEUE_LENGTH
    for (let i = 0; i < count; i++) {
      a.send(encodeSendPacket(b.key, bytes(i)), encodeSendPacket(b.key, disco()))
    }
    assert.equal(wire.link.dropped, 2 * (count - QUEUE_LENGTH))
    assert.equal(A.counters.droppedQueueFull, wire.link.dropped)
    assert.ok(wire.waiting() <= MAX_BACKLOG + MAX_PACKET + 100)
    wire.cut()
    assert.equal(A.counters.droppedGone, 2 * QUEUE_LENGTH)
  })
})
