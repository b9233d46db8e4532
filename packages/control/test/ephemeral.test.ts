// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateNodeKey, nodePublicOf } from '@signet/keys'
import { ControlError } from '../src/errors.ts'
import { EPHEMERAL_GRACE_MS, OFFLINE_GRACE_MS, RESTART_GRACE_MS } from '../src/limits.ts'
import { at, openTestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'

describe('ephemeral nodes', () => {
  it('are removed when they have stayed away for the whole grace, which can be set', () => {
    for (const ephemeralGraceMs of [EPHEMERAL_GRACE_MS, 10_000]) {
      using server = openTestServer({ ephemeralGraceMs })
      const machine = server.join('e', 'owner', { ephemeral: true })
      const viewer = openViewer(server, machine)
      server.clock.advance(10 * EPHEMERAL_GRACE_MS)
      assert.equal(server.tailnet.nodes.size, 1)
      viewer.close()
      server.clock.advance(OFFLINE_GRACE_MS + ephemeralGraceMs - 1)
      assert.equal(server.tailnet.nodes.size, 1)
      server.clock.advance(1)
      assert.equal(server.tailnet.nodes.size, 0)
    }
  })

  it('stay when they come back in time', () => {
    using server = openTestServer()
    const machine = server.join('e', 'owner', { ephemeral: true })
    for (let time = 0; time < 3; time++) {
      openViewer(server, machine).close()
      server.clock.advance(EPHEMERAL_GRACE_MS)
    }
    assert.equal(server.tailnet.nodes.size, 1)
  })

  it('are removed when they never came for their map', () => {
    using server = openTestServer()
    server.join('e', 'owner', { ephemeral: true })
    server.join('stays')
    server.clock.advance(EPHEMERAL_GRACE_MS)
    assert.deepEqual(
      [...server.tailnet.nodes.values()].map(({ row }) => row.name),
      ['stays'],
    )
  })

  it('are removed after a restart of the server, connected before it or not', () => {
    using server = openTestServer()
    const [connected, away] = ['c', 'a'].map((name) =>
      server.join(name, 'owner', { ephemeral: true }),
    )
    openViewer(server, connected!)
    openViewer(server, away!).close()
    server.clock.advance(OFFLINE_GRACE_MS)
    const again = server.restart()
    again.clock.advance(EPHEMERAL_GRACE_MS)
    assert.deepEqual([...again.tailnet.nodes.keys()], [connected!.row().id])
    again.clock.advance(RESTART_GRACE_MS)
    assert.equal(again.tailnet.nodes.size, 0)
  })

  it('are remembered as such: a logout, which does not say so, removes them at once', () => {
    using server = openTestServer()
    const machine = server.machine('e')
    machine.register({ Auth: { AuthKey: server.authKey() }, Ephemeral: true })
    assert.equal(machine.row().ephemeral, true)
    machine.register({ Expiry: at(123_000) })
    assert.equal(server.tailnet.nodes.size, 0)
  })

  it('stay when they register as nodes that stay', () => {
    using server = openTestServer()
    const machine = server.join('e', 'owner', { ephemeral: true })
    openViewer(server, machine).close()
    server.clock.advance(OFFLINE_GRACE_MS)
    const OldNodeKey = nodePublicOf(machine.nodeKey)
    machine.nodeKey = generateNodeKey()
    machine.register({ OldNodeKey, Auth: { AuthKey: server.authKey() } })
    server.clock.advance(2 * EPHEMERAL_GRACE_MS)
    assert.equal(machine.row().ephemeral, false)
  })

  it('are removed later when the database refuses now', () => {
    let isBroken = false
    using server = openTestServer({
      wrapStore: (store) =>
        new Proxy(store, {
          get(target, name) {
            if (name === 'commit' && isBroken) throw new ControlError('store-failed', 'broken')
            const value: unknown = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    })
    server.join('e', 'owner', { ephemeral: true })
    isBroken = true
    server.clock.advance(EPHEMERAL_GRACE_MS)
    assert.equal(server.tailnet.nodes.size, 1)
    isBroken = false
    server.clock.advance(EPHEMERAL_GRACE_MS)
    assert.equal(server.tailnet.nodes.size, 0)
  })
})
