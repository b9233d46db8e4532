// SPDX-License-Identifier: Apache-2.0

/**
 * Rules of the map stream that clients hold the server to: which fields cannot be taken back, what a first message
 * has, and what never stands together.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MapResponse } from '@signet/protocol'
import type { NodeRow } from '../src/store/rows.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'
import { newDiscoKey, openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'

/** A server with a viewer that is up to date, and another node. */
function scene(server: TestServer) {
  const other = server.join('other')
  const viewer = openViewer(server, server.join('viewer'))
  server.runtime.sessions.flush()
  const [first] = viewer.take()
  assert.ok(first)
  const next = (): MapResponse[] => {
    server.runtime.sessions.flush()
    return viewer.take()
  }
  const note = (machine: Machine, fields: Partial<NodeRow>, online?: boolean): void =>
    void server.tailnet.note({ ...machine.row(), ...fields }, online)
  return { other, viewer, first, next, note }
}

describe('peers', () => {
  it("have their own capability version, not the viewer's", () => {
    using server = openTestServer()
    const old = server.join('old')
    old.register({ Version: 113 })
    const young = server.join('young')
    young.register({ Version: 145 })
    for (const [viewer, expected] of [
      [old, 145],
      [young, 113],
    ] as const) {
      const stream = openViewer(server, viewer)
      server.runtime.sessions.flush()
      assert.deepEqual(
        stream.take()[0]?.Peers?.map((peer) => peer?.Cap),
        [expected],
      )
    }
  })

  it('have Online from the first message on, and LastSeen only while they are away', () => {
    using server = openTestServer()
    const { other, first, next, note } = scene(server)
    assert.equal(first.Peers?.[0]?.Online, false)
    note(other, { lastSeenAt: null }, true)
    assert.deepEqual(
      next().flatMap(({ PeersChangedPatch }) =>
        PeersChangedPatch?.map((p) => [p?.Online, p?.LastSeen]),
      ),
      [[true, undefined]],
    )
    const viewer = openViewer(server, server.join('third'))
    server.runtime.sessions.flush()
    const peer = viewer.take()[0]?.Peers?.find((each) => each?.ID === other.row().id)
    assert.equal(peer?.Online, true)
    assert.equal(peer?.LastSeen, undefined)
  })

  it('are never taken back a relay, which clients would not notice', () => {
    using server = openTestServer()
    const { other } = scene(server)
    const report = (NetInfo: Record<string, unknown>): void => {
      other.register({ Hostinfo: { Hostname: 'other', NetInfo } })
    }
    report({ PreferredDERP: 7 })
    assert.equal(other.row().homeRelay, 7)
    report({ PreferredDERP: 0 })
    assert.equal(other.row().homeRelay, 7)
    report({ PreferredDERP: 8 })
    assert.equal(other.row().homeRelay, 8)
  })

  it('that left with a new disco key are said to be away without a time: clients drop the rest with it', () => {
    using server = openTestServer()
    const { other, next, note } = scene(server)
    note(other, {}, true)
    next()
    note(other, { discoKey: newDiscoKey() })
    note(other, { lastSeenAt: server.clock.now() }, false)
    const [patch] = next().flatMap(({ PeersChangedPatch }) => PeersChangedPatch ?? [])
    assert.equal(patch?.Online, false)
    assert.ok(patch.DiscoKey)
    assert.equal(patch.LastSeen, undefined)
  })

  it('never stand among the changed and the removed of one message', () => {
    using server = openTestServer()
    const { other, next, note } = scene(server)
    note(other, { endpoints: ['192.0.2.1:1'] })
    const { id } = other.row()
    server.tailnet.write((draft) => draft.deleteNode(id))
    server.join('new')
    const messages = next()
    assert.deepEqual(
      messages.flatMap(({ PeersRemoved }) => PeersRemoved ?? []),
      [id],
    )
    for (const { PeersChanged, PeersChangedPatch } of messages) {
      assert.ok(!PeersChanged?.some((peer) => peer?.ID === id))
      assert.ok(!PeersChangedPatch?.some((peer) => peer?.NodeID === id))
    }
  })

  it('are never let past the lock by UnsignedPeerAPIOnly', () => {
    using server = openTestServer()
    const { first, next } = scene(server)
    server.join('late')
    const peers = [first, ...next()].flatMap(({ Peers, PeersChanged }) => [
      ...(Peers ?? []),
      ...(PeersChanged ?? []),
    ])
    assert.equal(peers.length, 2)
    for (const peer of peers) assert.equal(peer?.UnsignedPeerAPIOnly, undefined)
  })

  it('of whom none is left cannot be told by an empty list, so the stream begins anew', () => {
    using server = openTestServer()
    const { other, viewer } = scene(server)
    server.runtime.sessions.wake('full')
    server.tailnet.write((draft) => draft.deleteNode(other.row().id))
    server.runtime.sessions.flush()
    assert.deepEqual(viewer.take(), [])
    assert.ok(viewer.ended())
  })

  it('come with the profile of each of their users, in the same message or before', () => {
    using server = openTestServer()
    const { first, next } = scene(server)
    const known = new Set<number>()
    const check = (message: MapResponse): void => {
      for (const profile of message.UserProfiles ?? []) known.add(profile?.ID ?? 0)
      const nodes = [message.Node, ...(message.Peers ?? []), ...(message.PeersChanged ?? [])]
      for (const node of nodes) if (node) assert.ok(known.has(node.User), `user ${node.User}`)
    }
    check(first)
    server.join('m', 'member')
    server.join('t', 'admin', { tags: ['tag:web'] })
    const [member] = [...server.tailnet.nodes.values()].filter(({ row }) => row.name === 'm')
    assert.ok(member)
    for (const message of next()) check(message)
    server.tailnet.write((draft) => draft.putNode({ ...member.row, tags: ['tag:web'] }))
    for (const message of next()) check(message)
    assert.equal(known.size, 4)
  })

  it('of a new user, or one who is renamed, come with a reason to build everything anew', () => {
    using server = openTestServer()
    const { first, next } = scene(server)
    const names = (message: MapResponse | undefined) =>
      message?.UserProfiles?.map((profile) => profile?.LoginName)
    assert.deepEqual(names(first), ['owner', 'tagged-devices'])
    server.join('m', 'member')
    const [joined] = next()
    assert.deepEqual(names(joined), ['member'])
    assert.equal(joined?.Domain, 'default')
    const m2 = server.join('m2', 'member')
    assert.equal(next()[0]?.Domain, undefined)
    server.tailnet.write((draft) => draft.putNode({ ...m2.row(), tags: ['tag:web'] }))
    assert.equal(next()[0]?.Domain, 'default')
  })

  it('that are exit nodes may be suggested', () => {
    using server = openTestServer()
    const exit = server.join('exit')
    exit.register({ Hostinfo: { Hostname: 'exit', RoutableIPs: ['0.0.0.0/0', '::/0'] } })
    const viewer = openViewer(server, server.join('viewer'))
    server.runtime.sessions.flush()
    assert.equal(viewer.take()[0]?.Peers?.[0]?.CapMap, undefined)
    server.tailnet.write((draft) =>
      draft.putNode({ ...exit.row(), approvedRoutes: ['0.0.0.0/0', '::/0'] }),
    )
    server.runtime.sessions.flush()
    const [peer] = viewer.take()[0]?.PeersChanged ?? []
    assert.ok('suggest-exit-node' in (peer?.CapMap ?? {}))
    assert.equal(peer?.AllowedIPs?.length, 4)
  })
})

describe('requests', () => {
  it('for a stream without peers get their own record and news of it, and nothing of others', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const stream = await machine.stream({ OmitPeers: true })
    const first = await stream.next()
    assert.ok(first.Node)
    assert.equal(first.Peers, undefined)
    const other = await connectMachine(server, 'b')
    await other.register(await server.authKey())
    await server.admin('PATCH', '/nodes/a', { name: 'renamed' })
    const second = await stream.next()
    assert.match(second.Node?.Name ?? '', /^renamed\./)
    assert.equal(second.PeersChanged, undefined)
    for (const each of [machine, other]) each.close()
    stream.cancel()
  })

  it('that only read change nothing', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    await machine.report({ Endpoints: ['192.0.2.1:1'] })
    const reply = await machine.connection.request({
      method: 'POST',
      path: '/machine/map',
      body: JSON.stringify({
        Version: 145,
        NodeKey: machine.nodePublic,
        ReadOnly: true,
        Hostinfo: { Hostname: 'other' },
        Endpoints: [],
      }),
    })
    assert.equal(reply.status, 200)
    // Its length in four bytes, and JSON.
    const frame = Buffer.from(await reply.body(1 << 20))
    assert.equal(frame.readUInt32LE(0), frame.length - 4)
    assert.match(frame.toString('latin1', 4), /"Endpoints":\["192\.0\.2\.1:1"\]/)
    const { json } = await server.admin('GET', '/nodes/a')
    assert.equal(json.name, 'a')
    machine.close()
  })

  it('that want another compression are refused in words', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const reply = await machine.report({ Compress: 'gzip' })
    assert.equal(reply.status, 400)
    assert.match(reply.text, /zstd/)
    machine.close()
  })
})
