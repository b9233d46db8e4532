// SPDX-License-Identifier: Apache-2.0

/**
 * A day in the life of a server, in a second: nodes come and go, move, get new keys, ask to be let in and are forgotten.
 * At the end there is as much as there was after the first hour, and every stream says the truth.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateNodeKey, nodePublicOf } from '@signet/keys'
import { NetmapSession } from '@signet/protocol'
import { HOUR, openTestServer, type Machine, type TestServer } from './support/server.ts'
import { openViewer, type Viewer } from './support/viewer.ts'

const MINUTE = 60_000
const STABLE_NODES = 12
/** What a day leaves behind goes within this: the longest that anything is kept for somebody who left. */
const QUIET = 2 * HOUR

interface Resident {
  readonly machine: Machine
  viewer: Viewer
  map: NetmapSession
}

/** The same numbers in each run. */
function createDice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

function connect(server: TestServer, machine: Machine): Resident {
  return { machine, viewer: openViewer(server, machine), map: new NetmapSession() }
}

function read({ viewer, map }: Resident, now: number): void {
  for (const message of viewer.take()) if (message.KeepAlive !== true) map.merge(message, now)
}

/** Something that happens to a network in a minute. */
function oneMinute(
  server: TestServer,
  residents: Resident[],
  dice: (sides: number) => number,
): void {
  const index = dice(residents.length)
  const resident = residents[index]
  assert.ok(resident !== undefined)
  const { machine } = resident
  const { clock, tailnet } = server
  switch (dice(7)) {
    case 0:
      // A new stream replaces the old one; or the network was gone for longer than anybody waits.
      if (dice(2) === 0) resident.viewer.close()
      if (dice(3) === 0) clock.advance(MINUTE)
      residents[index] = connect(server, machine)
      return
    case 1:
    case 2:
      void tailnet.note({ ...machine.row(), endpoints: [`192.0.2.${dice(250)}:41641`] })
      return
    case 3: {
      const OldNodeKey = nodePublicOf(machine.nodeKey)
      machine.nodeKey = generateNodeKey()
      machine.register({ OldNodeKey, Auth: { AuthKey: server.authKey() } })
      residents[index] = connect(server, machine)
      return
    }
    case 4: {
      const guest = server.join('guest', 'owner', { ephemeral: true })
      const viewer = openViewer(server, guest)
      clock.advance(dice(MINUTE))
      viewer.close()
      return
    }
    case 5: {
      // Somebody who asks to be let in, and does not wait for the answer.
      const stranger = server.machine('stranger')
      stranger.source = `198.51.100.${dice(250)}`
      stranger.register()
      return
    }
    default:
      machine.register()
  }
}

describe('a server', () => {
  it('has after a day what it had after an hour', async () => {
    using server = openTestServer()
    const { clock, tailnet } = server
    const dice = createDice(7)
    const residents = Array.from({ length: STABLE_NODES }, (_, i) =>
      connect(server, server.join(`n${i}`)),
    )
    const live = async (hours: number): Promise<void> => {
      const end = clock.now() + hours * HOUR
      while (clock.now() < end) {
        oneMinute(server, residents, dice)
        await clock.advanceAsync(MINUTE)
        for (const resident of residents) read(resident, clock.now())
      }
      await clock.advanceAsync(QUIET)
      for (const resident of residents) read(resident, clock.now())
    }
    const held = (): Record<string, number> => ({
      timers: clock.waiting(),
      nodes: tailnet.nodes.size,
      streams: residents.filter(({ viewer }) => !viewer.ended()).length,
      logins: server.services.logins.all().length,
    })

    await live(1)
    const after = held()
    assert.equal(after['nodes'], STABLE_NODES)
    assert.equal(after['streams'], STABLE_NODES)
    await live(22)
    assert.deepEqual(held(), after)

    for (const { machine, map } of residents) {
      const others = residents.filter((other) => other.machine !== machine)
      assert.deepEqual(
        map.sortedPeers().map(({ Key, Endpoints, Online }) => ({ Key, Endpoints, Online })),
        others
          .map((other) => other.machine.row())
          .toSorted((a, b) => a.id - b.id)
          .map(({ nodeKey, endpoints }) => ({
            Key: nodeKey,
            Endpoints: endpoints.length === 0 ? undefined : endpoints,
            Online: true,
          })),
        machine.name,
      )
    }
  })
})
