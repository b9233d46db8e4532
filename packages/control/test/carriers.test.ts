// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OFFLINE_GRACE_MS } from '../src/limits.ts'
import { lockTailnet } from './support/lock.ts'
import { at, DAY, openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'

const NET = '10.1.0.0/16'
const OTHER = '10.2.0.0/16'
const EXIT = ['0.0.0.0/0', '::/0']

/** A router that advertises these routes, all of them approved. */
function router(server: TestServer, name: string, routes: readonly string[] = [NET]): Machine {
  const machine = server.join(name)
  machine.register({ Hostinfo: { OS: 'linux', Hostname: name, RoutableIPs: routes } })
  server.tailnet.write((draft) => draft.putNode({ ...machine.row(), approvedRoutes: routes }))
  return machine
}

function primary(server: TestServer, machine: Machine): readonly string[] {
  return server.tailnet.nodes.get(machine.row().id)?.primary ?? []
}

describe('carriers of routes', () => {
  it('are exactly one for each route, and another when that one leaves; who comes back waits', () => {
    using server = openTestServer()
    const viewer = openViewer(server, server.join('v'))
    const [a, b] = [router(server, 'a', [NET, OTHER, ...EXIT]), router(server, 'b', [NET, ...EXIT])]
    const session = openViewer(server, a)
    openViewer(server, b)
    assert.deepEqual(primary(server, a), [NET, OTHER])
    assert.deepEqual(primary(server, b), [])
    server.runtime.sessions.flush()
    viewer.take()
    session.close()
    server.clock.advance(OFFLINE_GRACE_MS - 1)
    assert.deepEqual(primary(server, b), [])
    server.clock.advance(1)
    // Nobody else has the other network.
    assert.deepEqual(primary(server, a), [OTHER])
    assert.deepEqual(primary(server, b), [NET])
    server.runtime.sessions.flush()
    const messages = viewer.take()
    assert.equal(messages.length, 1)
    const shown = new Map(messages[0]!.PeersChanged?.map((peer) => [peer!.ID, peer!]))
    assert.deepEqual(shown.get(b.row().id)!.PrimaryRoutes, [NET])
    assert.deepEqual(shown.get(b.row().id)!.AllowedIPs!.slice(2), [...EXIT, NET])
    assert.deepEqual(shown.get(a.row().id)!.AllowedIPs!.slice(2), [...EXIT, OTHER])
    assert.equal(shown.get(a.row().id)!.Online, false)
    openViewer(server, a)
    assert.deepEqual(primary(server, b), [NET])
  })

  it('change when a route is withdrawn, its approval taken back, the key expires or the node goes', () => {
    const ways: readonly ((server: TestServer, machine: Machine) => void)[] = [
      (_, machine) => machine.register({ Hostinfo: { Hostname: 'a', RoutableIPs: [] } }),
      (server, machine) => {
        server.tailnet.write((draft) => draft.putNode({ ...machine.row(), approvedRoutes: [] }))
      },
      (_, machine) => machine.register({ Expiry: at(123_000) }),
      (server, machine) => {
        server.tailnet.write((draft) => draft.deleteNode(machine.row().id))
      },
    ]
    for (const way of ways) {
      using server = openTestServer()
      const [a, b] = [router(server, 'a'), router(server, 'b')]
      openViewer(server, a)
      openViewer(server, b)
      assert.deepEqual(primary(server, a), [NET])
      way(server, a)
      assert.deepEqual(primary(server, b), [NET])
    }
  })

  it('change at the moment when the key of one expires, without any other change', () => {
    using server = openTestServer({ keyLifetimeMs: 40 * DAY })
    const [a, b] = [router(server, 'a'), router(server, 'b')]
    openViewer(server, a)
    openViewer(server, b)
    server.clock.advance(DAY)
    server.tailnet.write((draft) => {
      draft.putNode({ ...b.row(), expiresAt: server.clock.now() + 60 * DAY })
    })
    server.clock.advance(39 * DAY - 1)
    assert.deepEqual(primary(server, a), [NET])
    server.clock.advance(1)
    assert.deepEqual(primary(server, a), [])
    assert.deepEqual(primary(server, b), [NET])
    // And nobody else is left.
    server.clock.advance(30 * DAY)
    assert.deepEqual(primary(server, b), [NET])
  })

  it('stay when nobody else can carry, also over a restart', () => {
    using server = openTestServer()
    const [a, b] = [router(server, 'a'), router(server, 'b')]
    openViewer(server, a)
    const again = server.restart()
    assert.deepEqual(again.tailnet.nodes.get(a.row().id)!.primary, [NET])
    again.clock.advance(10 * 60_000)
    assert.equal(again.tailnet.nodes.get(a.row().id)!.online, false)
    assert.deepEqual(again.tailnet.nodes.get(a.row().id)!.primary, [NET])
    assert.deepEqual(again.tailnet.nodes.get(b.row().id)!.primary, [])
  })

  it('are not nodes which the lock keeps out', async () => {
    using server = openTestServer()
    const admin = server.join('admin')
    await lockTailnet(server, [admin])
    const unsigned = router(server, 'a')
    openViewer(server, unsigned)
    const signed = router(server, 'b')
    server.tailnet.write((draft) =>
      draft.putNode({ ...signed.row(), signature: new Uint8Array([1]) }),
    )
    openViewer(server, signed)
    assert.deepEqual(primary(server, signed), [NET])
  })
})
