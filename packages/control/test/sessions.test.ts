// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateNodeKey, nodePublicOf } from '@signet/keys'
import { aumHash, aumHashText, resignNodeKey } from '@signet/tka'
import { lockTailnet, SECRET } from './support/lock.ts'
import { HOUR, newDiscoKey, openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'
import { toBase64 } from '@signet/codec'
import type { NodeRow } from '../src/store/rows.ts'

function change(server: TestServer, machine: Machine, fields: Partial<NodeRow>): void {
  server.tailnet.write((draft) => draft.putNode({ ...machine.row(), ...fields }))
}

/** Everything that is due, and nothing that waits for its time. */
const flush = (server: TestServer): void => server.runtime.sessions.flush()

describe('the first frame', () => {
  it('is complete: self, peers, profiles, names, filter, no relays, and no word of a lock', () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b', 'member')]
    const viewer = openViewer(server, a)
    flush(server)
    const [first, ...rest] = viewer.take()
    assert.equal(rest.length, 0)
    assert.equal(first!.Node!.Name, 'a.test.example.')
    assert.equal(first!.Node!.Key, nodePublicOf(a.nodeKey))
    assert.ok('https://tailscale.com/cap/tailnet-lock' in first!.Node!.CapMap!)
    assert.deepEqual(
      first!.Peers!.map((peer) => peer!.Key),
      [nodePublicOf(b.nodeKey)],
    )
    assert.equal(first!.Peers![0]!.Online, false)
    assert.deepEqual(first!.UserProfiles!.map((user) => user.LoginName).sort(), [
      'member',
      'owner',
      'tagged-devices',
    ])
    assert.deepEqual(first!.DNSConfig!.Domains, ['test.example'])
    assert.equal(first!.PacketFilters!['base']!.length, 1)
    assert.deepEqual(Object.keys(first!.DERPMap!.Regions ?? {}), [])
    assert.equal(first!.TKAInfo, undefined)
  })

  it('is read alike with and without compression', () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    server.clock.advance(1_000)
    const plain = openViewer(server, a)
    const packed = openViewer(server, b, 'zstd')
    flush(server)
    const [one, two] = [plain.take()[0]!, packed.take()[0]!]
    assert.deepEqual(one.DNSConfig, two.DNSConfig)
    assert.equal(two.Peers![0]!.Key, nodePublicOf(a.nodeKey))
  })

  it('carries lock head and all signatures', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const genesis = await lockTailnet(server, [a])
    const viewer = openViewer(server, b)
    flush(server)
    const [first] = viewer.take()
    assert.equal(first!.TKAInfo!.Head, aumHashText(aumHash(genesis)))
    assert.deepEqual(first!.Node!.KeySignature, b.row().signature)
    assert.deepEqual(first!.Peers![0]!.KeySignature, a.row().signature)
  })

  it('shows peers what they act upon, and no more, of a host', () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    b.register({
      Hostinfo: { OS: 'linux', Hostname: 'b', BackendLogID: 'secret', GoVersion: 'go1' },
    })
    const viewer = openViewer(server, a)
    flush(server)
    assert.deepEqual({ ...viewer.take()[0]!.Peers![0]!.Hostinfo }, { OS: 'linux', Hostname: 'b' })
  })
})

describe('deltas', () => {
  function three() {
    const server = openTestServer()
    const machines = [server.join('a'), server.join('b'), server.join('c')]
    const [a, b, c] = machines
    const viewers = machines.map((machine) => openViewer(server, machine))
    flush(server)
    for (const viewer of viewers) viewer.take()
    flush(server)
    for (const viewer of viewers) viewer.take()
    return { server, a: a!, b: b!, c: c!, viewers }
  }

  it('are patches where only patchable fields changed, and nothing for the node itself', () => {
    const { server, a, viewers } = three()
    using _ = server
    const disco = newDiscoKey()
    const before = server.services.counters.encodings
    change(server, a, { endpoints: ['192.0.2.1:1'], discoKey: disco, homeRelay: 900 })
    flush(server)
    assert.deepEqual(viewers[0]!.take(), [])
    for (const viewer of viewers.slice(1)) {
      const [message] = viewer.take()
      assert.deepEqual(
        { ...message!.PeersChangedPatch![0]! },
        { NodeID: a.row().id, DERPRegion: 900, Endpoints: ['192.0.2.1:1'], DiscoKey: disco },
      )
      assert.deepEqual(Object.keys(message!), ['PeersChangedPatch'])
    }
    assert.equal(server.services.counters.encodings - before, 1, 'encoded once for all')
  })

  it('are whole records where a patch cannot say it', () => {
    const { server, a, viewers } = three()
    using _ = server
    change(server, a, { name: 'renamed' })
    flush(server)
    assert.equal(viewers[1]!.take()[0]!.PeersChanged![0]!.Name, 'renamed.test.example.')
    assert.equal(viewers[0]!.take()[0]!.Node!.Name, 'renamed.test.example.')
  })

  it('spell out what became empty, which clients would otherwise keep', () => {
    const { server, a, viewers } = three()
    using _ = server
    change(server, a, { endpoints: ['192.0.2.1:1'], homeRelay: 900 })
    flush(server)
    for (const viewer of viewers) viewer.take()
    change(server, a, { endpoints: [], name: 'other' })
    flush(server)
    const [message] = viewers[1]!.take()
    assert.deepEqual(message!.PeersChanged![0]!.Endpoints, [])
    assert.equal(message!.PeersChanged![0]!.KeySignature!.length, 0)
  })

  it('carry key, signature and expiry together', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a])
    const viewer = openViewer(server, a)
    flush(server)
    viewer.take()
    const OldNodeKey = nodePublicOf(b.nodeKey)
    const old = b.row().signature!
    b.nodeKey = generateNodeKey()
    const NodeKeySignature = resignNodeKey({
      nodeKey: nodePublicOf(b.nodeKey),
      old,
      signer: b.signer,
    })
    b.register({ OldNodeKey, NodeKeySignature, Auth: { AuthKey: server.authKey() } })
    flush(server)
    const [message] = viewer.take()
    const patch = message!.PeersChangedPatch![0]!
    assert.equal(patch.Key, nodePublicOf(b.nodeKey))
    assert.deepEqual(patch.KeySignature, NodeKeySignature)
    assert.ok(patch.KeyExpiry)
  })

  it('take the old signature away when a node comes back unsigned', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a])
    const viewer = openViewer(server, a)
    flush(server)
    viewer.take()
    b.nodeKey = generateNodeKey()
    b.register({ Auth: { AuthKey: server.authKey() } })
    flush(server)
    assert.equal(viewer.take()[0]!.PeersChangedPatch![0]!.KeySignature!.length, 0)
  })

  it('say with a new key that it has no signature', () => {
    const { server, b, viewers } = three()
    using _ = server
    b.nodeKey = generateNodeKey()
    b.register({ Auth: { AuthKey: server.authKey() } })
    flush(server)
    const patch = viewers[0]!.take()[0]!.PeersChangedPatch![0]!
    assert.equal(patch.Key, nodePublicOf(b.nodeKey))
    assert.equal(patch.KeySignature!.length, 0)
  })

  it('remove nodes, except ones that were never shown', () => {
    const { server, b, viewers } = three()
    using _ = server
    const { id } = b.row()
    const brief = server.join('brief')
    server.tailnet.write((draft) => draft.deleteNode(brief.row().id))
    server.tailnet.write((draft) => draft.deleteNode(id))
    flush(server)
    assert.deepEqual(
      viewers[0]!.take().map((message) => message.PeersRemoved),
      [[id]],
    )
  })

  it('bring new nodes with their users', () => {
    const { server, viewers } = three()
    using _ = server
    server.join('d', 'member')
    flush(server)
    const [message] = viewers[0]!.take()
    assert.equal(message!.PeersChanged![0]!.Name, 'd.test.example.')
    assert.deepEqual(
      message!.UserProfiles!.map((user) => user.LoginName),
      ['member'],
    )
  })

  it('tell a node its new role', () => {
    const { server, a, viewers } = three()
    using _ = server
    const user = server.tailnet.users.get(a.row().userId)!
    server.tailnet.write((draft) => draft.putUser({ ...user, role: 'member' }))
    flush(server)
    const [message] = viewers[0]!.take()
    assert.equal('https://tailscale.com/cap/is-owner' in message!.Node!.CapMap!, false)
  })
})

describe('a slow client', () => {
  it('gets 1,000 changes as one merged delta, and costs the same whatever it missed', () => {
    using server = openTestServer()
    const [a, b, c] = [server.join('a'), server.join('b'), server.join('c')]
    const slow = openViewer(server, a)
    const quick = openViewer(server, b)
    flush(server)
    flush(server)
    slow.take()
    quick.take()
    slow.stall()
    change(server, c, { endpoints: ['192.0.2.1:1'] })
    flush(server)
    assert.equal(slow.take().length, 1)
    const { count } = slow.frames
    for (let n = 1; n <= 1_000; n++) {
      change(server, c, { endpoints: [`192.0.2.1:${n + 1}`] })
      if (n % 100 === 0) server.join(`new-${n}`)
      flush(server)
    }
    assert.equal(slow.frames.count, count, 'nothing was written to it')
    assert.ok(quick.take().length >= 1_000)
    slow.resume()
    flush(server)
    const messages = slow.take()
    assert.equal(messages.length, 1)
    assert.deepEqual(
      messages[0]!.PeersChangedPatch!.map((patch) => patch!.Endpoints),
      [['192.0.2.1:1001']],
    )
    assert.equal(messages[0]!.PeersChanged!.length, 10)
    assert.ok(slow.frames.largest < 20_000)
  })

  it('that never reads again is let go', () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const viewer = openViewer(server, a)
    flush(server)
    viewer.stall()
    change(server, b, { endpoints: ['192.0.2.1:1'] })
    flush(server)
    server.clock.advance(125_000)
    assert.equal(viewer.ended(), true)
    assert.equal(server.runtime.sessions.size, 0)
  })

  it('gets everything anew when too much has been forgotten meanwhile', () => {
    using server = openTestServer()
    const a = server.join('a')
    const viewer = openViewer(server, a)
    flush(server)
    flush(server)
    viewer.take()
    viewer.stall()
    server.join('b')
    flush(server)
    viewer.take()
    for (let n = 0; n < 5_000; n++)
      server.tailnet.journal.removed(-1, 0, server.tailnet.version + 1)
    server.join('c')
    viewer.resume()
    flush(server)
    const [message] = viewer.take()
    assert.equal(message!.Peers!.length, 2)
    assert.ok(message!.Node)
  })
})

describe('time', () => {
  it('brings the same keep-alive bytes every 50 to 60 seconds of silence', () => {
    using server = openTestServer()
    const viewer = openViewer(server, server.join('a'))
    flush(server)
    server.clock.advance(1_000)
    viewer.take()
    server.clock.advance(48_000)
    assert.deepEqual(viewer.take(), [])
    server.clock.advance(12_000)
    assert.deepEqual(
      viewer.take().map((message) => ({ ...message })),
      [{ KeepAlive: true }],
    )
    server.clock.advance(HOUR)
    const count = viewer.take().length
    assert.ok(count >= 59 && count <= 73, String(count))
  })

  it('shows a node offline only after a grace, and not when it comes back within', () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const viewer = openViewer(server, a)
    let other = openViewer(server, b)
    server.clock.advance(100)
    viewer.take()
    other.close()
    server.clock.advance(9_000)
    other = openViewer(server, b)
    server.clock.advance(20_000)
    assert.deepEqual(viewer.take(), [])
    const left = server.clock.now()
    other.close()
    server.clock.advance(20_000)
    const [message] = viewer.take()
    assert.deepEqual(
      { ...message!.PeersChangedPatch![0]! },
      {
        NodeID: b.row().id,
        Online: false,
        LastSeen: new Date(left).toISOString().replace('.100Z', '.1Z'),
      },
    )
  })

  it('lets nobody look offline because the server restarted', () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    openViewer(server, a)
    openViewer(server, b)
    flush(server)
    const again = server.restart()
    const id = a.row().id
    assert.equal(again.tailnet.nodes.get(id)!.online, true)
    again.clock.advance(61_000)
    assert.equal(again.tailnet.nodes.get(id)!.online, false)
    assert.ok(again.tailnet.nodes.get(id)!.row.lastSeenAt)
  })
})

describe('the lock in maps', () => {
  it('reaches every session in one frame with all signatures', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const viewers = [openViewer(server, a), openViewer(server, b)]
    flush(server)
    flush(server)
    for (const viewer of viewers) viewer.take()
    const genesis = await lockTailnet(server, [a])
    flush(server)
    for (const [index, viewer] of viewers.entries()) {
      const messages = viewer.take()
      assert.equal(messages.length, 1)
      const [{ TKAInfo, Node, PeersChangedPatch }] = messages as [NonNullable<(typeof messages)[0]>]
      assert.equal(TKAInfo!.Head, aumHashText(aumHash(genesis)))
      assert.deepEqual(Node!.KeySignature, [a, b][index]!.row().signature)
      assert.deepEqual(PeersChangedPatch![0]!.KeySignature, [b, a][index]!.row().signature)
    }
  })

  it('is encoded once for all when there are many, with the record of each before it', async () => {
    using server = openTestServer()
    const machines = Array.from({ length: 20 }, (_, n) => server.join(`n${n}`))
    const viewers = machines.map((machine) => openViewer(server, machine))
    flush(server)
    flush(server)
    for (const viewer of viewers) viewer.take()
    const genesis = await lockTailnet(server, [machines[0]!])
    const before = server.services.counters.encodings
    flush(server)
    assert.equal(server.services.counters.encodings - before, 20 + 1)
    for (const [index, viewer] of viewers.entries()) {
      const [own, all, ...rest] = viewer.take()
      assert.deepEqual(own!.Node!.KeySignature, machines[index]!.row().signature)
      assert.equal(own!.TKAInfo, undefined)
      assert.equal(all!.TKAInfo!.Head, aumHashText(aumHash(genesis)))
      assert.equal(all!.PeersChangedPatch!.length, 20)
      assert.deepEqual(rest, [])
    }
  })

  it('says "off" first to a node that slept through disable and a new lock, then the new head', async () => {
    using server = openTestServer()
    const [a, sleeper] = [server.join('a'), server.join('b')]
    const old = aumHashText(aumHash(await lockTailnet(server, [a])))
    change(server, sleeper, { reportedHead: old })
    await a.tka('disable', { Head: '', DisablementSecret: toBase64(SECRET) })
    const head = aumHashText(aumHash(await lockTailnet(server, [a])))
    const viewer = openViewer(server, sleeper)
    flush(server)
    assert.equal(viewer.take()[0]!.TKAInfo!.Disabled, true)
    change(server, sleeper, { reportedHead: '' })
    flush(server)
    assert.deepEqual(
      viewer.take().map((message) => message.TKAInfo?.Head),
      [head],
    )
    change(server, sleeper, { reportedHead: head })
    flush(server)
    assert.deepEqual(viewer.take(), [])
  })

  it('is repeated, ever more rarely, to a node that does not follow', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const head = aumHashText(aumHash(await lockTailnet(server, [a])))
    const viewer = openViewer(server, a)
    flush(server)
    viewer.take()
    server.clock.advance(6 * HOUR)
    const repeats = viewer.take().filter((message) => message.TKAInfo?.Head === head).length
    assert.ok(repeats >= 6 && repeats <= 12, String(repeats))
    change(server, a, { reportedHead: head })
    server.clock.advance(HOUR)
    assert.equal(viewer.take().filter((message) => message.TKAInfo !== undefined).length, 0)
  })
})

describe('sessions', () => {
  it('end when a newer one of the same node begins, without its being offline', () => {
    using server = openTestServer()
    const a = server.join('a')
    const [first, second] = [openViewer(server, a), openViewer(server, a)]
    flush(server)
    assert.equal(first.ended(), true)
    assert.equal(second.take().length, 1)
    server.clock.advance(30_000)
    assert.equal(server.tailnet.nodes.get(a.row().id)!.online, true)
  })

  it('end when the node has another key, and not before', () => {
    using server = openTestServer()
    const a = server.join('a')
    const viewer = openViewer(server, a)
    flush(server)
    const OldNodeKey = nodePublicOf(a.nodeKey)
    a.nodeKey = generateNodeKey()
    a.register({ OldNodeKey, Auth: { AuthKey: server.authKey() } })
    flush(server)
    assert.equal(viewer.ended(), true)
  })

  it('of a deleted node end with a word that its key is no longer good', () => {
    using server = openTestServer()
    const a = server.join('a')
    const viewer = openViewer(server, a)
    flush(server)
    viewer.take()
    server.tailnet.write((draft) => draft.deleteNode(a.row().id))
    const [last] = viewer.take()
    assert.ok(new Date(last!.Node!.KeyExpiry!).getTime() < server.clock.now())
    assert.equal(viewer.ended(), true)
  })

  it('wait their turn for a whole network while too many have not read theirs', () => {
    using server = openTestServer()
    const machines = Array.from({ length: 70 }, (_, n) => server.join(`n${n}`))
    const viewers = machines.map((machine) => {
      const viewer = openViewer(server, machine)
      viewer.stall()
      return viewer
    })
    flush(server)
    assert.equal(viewers.filter((viewer) => viewer.frames.count > 0).length, 64)
    for (const viewer of viewers) viewer.resume()
    flush(server)
    assert.equal(viewers.filter((viewer) => viewer.frames.count > 0).length, 70)
  })

  it('do not wait for those who never read theirs', () => {
    using server = openTestServer()
    const viewers = Array.from({ length: 70 }, (_, n) => {
      const viewer = openViewer(server, server.join(`n${n}`))
      viewer.stall()
      return viewer
    })
    flush(server)
    assert.equal(viewers.at(-1)!.frames.count, 0)
    server.clock.advance(12_000)
    assert.equal(viewers.at(-1)!.frames.count, 1)
  })

  it('do not look at each other when something concerns one alone', () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const viewers = [openViewer(server, a), openViewer(server, b)]
    flush(server)
    flush(server)
    const { version } = server.tailnet
    change(server, a, { reportedHead: '' })
    change(server, a, { endpointTypes: [1] })
    assert.equal(server.tailnet.version, version)
    for (const viewer of viewers) viewer.take()
    flush(server)
    for (const viewer of viewers) assert.deepEqual(viewer.take(), [])
  })
})

describe('an intercept', () => {
  it('edits what one viewer is told, in full maps and in deltas, and can send again', () => {
    const seen: number[] = []
    using server = openTestServer({
      intercept: {
        mapResponse(viewer, message) {
          seen.push(viewer.id)
          return viewer.id === 1 ? { ...message, Domain: 'lies' } : message
        },
      },
    })
    const [a, b] = [server.join('a'), server.join('b')]
    const viewers = [openViewer(server, a), openViewer(server, b)]
    flush(server)
    flush(server)
    assert.equal(viewers[0]!.take()[0]!.Domain, 'lies')
    assert.equal(viewers[1]!.take()[0]!.Domain, 'default')
    change(server, b, { endpoints: ['192.0.2.1:1'] })
    flush(server)
    assert.equal(viewers[0]!.take()[0]!.Domain, 'lies')
    server.runtime.sessions.wake('full')
    flush(server)
    assert.equal(viewers[0]!.take()[0]!.Peers!.length, 1)
    viewers[1]!.take()
    server.runtime.sessions.wake('delta')
    assert.deepEqual(
      viewers[0]!.take().map((message) => ({ ...message })),
      [{ Domain: 'lies' }],
    )
    assert.deepEqual(viewers[1]!.take(), [])
    assert.deepEqual(
      [...new Set(seen)].sort((x, y) => x - y),
      [1, 2],
    )
  })
})
