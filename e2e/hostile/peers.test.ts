// SPDX-License-Identifier: Apache-2.0

/**
 * The server lies about peers, in whole maps and in deltas; every node refuses, for the right reason, by name; the
 * rogue's handshakes go unanswered; the authority on disk is untouched.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { lockSigner } from '@signet/keys'
import type { ControlNode, MapResponse } from '@signet/protocol'
import { createLockedTrio, type LockedTrio } from '../support/locked-trio.ts'
import {
  account,
  persistedHead,
  stolenKeys,
  type LyingTailnet,
  type Mode,
  type Victim,
} from '../support/lying-tailnet.ts'
import type { Rogue } from '../support/rogue.ts'
import { peerLies, rotated, showing, type Loot } from './peer-lies.ts'

const modes: readonly Mode[] = ['full', 'delta']

describe('a server that lies about peers', () => {
  let trio: LockedTrio
  let tailnet: LyingTailnet
  let a: Victim
  let b: Victim
  let c: Victim
  let rogue: Rogue
  let loot: Loot
  let head: string

  before(async () => {
    trio = await createLockedTrio()
    ;({ tailnet, a, b, c, rogue } = trio)
    let honest: ControlNode | undefined
    const spy = (message: MapResponse): MapResponse => {
      honest ??= message.Peers?.find((peer) => peer?.Key === c.nodeKey) ?? undefined
      return message
    }
    await tailnet.tell('full', spy, [a, b])
    assert.ok(honest?.KeySignature, 'the honest node is signed')
    loot = {
      rogue: rogue.described,
      honest,
      trusted: lockSigner(stolenKeys(a).lockKey),
      honestSigner: lockSigner(stolenKeys(c).lockKey),
    }
    head = persistedHead(a)
  })

  after(() => trio[Symbol.asyncDispose]())

  for (const mode of modes) {
    for (const lie of peerLies) {
      it(`shows ${lie.name} (${mode})`, async () => {
        await tailnet.honest([a, b])
        const shown = lie.show(loot)
        await tailnet.tell(mode, showing(shown, mode, lie.patch), [a, b])
        for (const victim of [a, b]) {
          const { FilteredPeers } = victim.node.lock.status()
          const refused = FilteredPeers?.find(({ ID }) => ID === shown.ID)
          assert.equal(refused?.Reason, lie.reason, account(victim))
          assert.equal(refused?.Name, shown.Name)
          assert.ok(!victim.node.peers().some(({ id }) => id === shown.ID), account(victim))
          assert.equal(persistedHead(victim), head)
        }
        if (lie.takesOver) return
        // The truth between the owners' nodes goes on, and proves that the knock came before it.
        const answers = await rogue.knock(a, () => b.node.ping(a.ip))
        assert.equal(answers, 0, 'the handshake of the rogue was answered')
        await a.node.ping(c.ip)
      })
    }

    it(`shows a node that claims the victim's own key (${mode})`, async () => {
      await tailnet.honest([a])
      await tailnet.tell(mode, showing({ ...rogue.described, Key: a.nodeKey }, mode), [a])
      const refused = a.node.lock.status().FilteredPeers?.find(({ ID }) => ID === 666)
      assert.equal(refused?.Reason, 'own-key', account(a))
    })

    it(`shows the old key beside the rotated one (${mode})`, async () => {
      // What a node learns about rotations stays with it: each of these tests has a victim of its own.
      const e = await tailnet.join(`beside-${mode}`)
      await a.node.lock.sign(e.nodeKey, null)
      await tailnet.honest([e])
      const next = rotated(loot.honest, loot.honestSigner)
      const old = { ...loot.honest, ID: 667, StableID: 'nOld', Name: 'old.example.' }
      await tailnet.tell(mode, showing(next, mode), [e])
      assert.ok(
        e.node.peers().some(({ nodeKey }) => nodeKey === next.Key),
        account(e),
      )
      await tailnet.tell(
        mode,
        (message) =>
          mode === 'full'
            ? showing(old, mode)(showing(next, mode)(message))
            : { ...message, PeersChanged: [next, old] },
        [e],
      )
      const refused = e.node.lock.status().FilteredPeers?.find(({ ID }) => ID === 667)
      assert.equal(refused?.Reason, 'obsolete-key', account(e))
    })
  }

  it('shows the old key alone after the rotation was seen, also after a restart', async () => {
    const d = await tailnet.join('d')
    await a.node.lock.sign(d.nodeKey, null)
    await tailnet.honest([a, b, d])
    const long = rotated(loot.honest, loot.honestSigner, 3)
    await tailnet.tell('full', showing(long, 'full'), [d])
    assert.ok(
      d.node.peers().some(({ nodeKey }) => nodeKey === long.Key),
      account(d),
    )
    for (const mode of modes) {
      await tailnet.tell(mode, showing(loot.honest, mode), [d])
      assert.equal(reasonFor(d, loot.honest.ID), 'replaced-key', account(d))
      const shorter = rotated(loot.honest, loot.honestSigner, 1)
      await tailnet.tell(mode, showing(shorter, mode), [d])
      assert.equal(reasonFor(d, loot.honest.ID), 'older-rotation', account(d))
    }
    tailnet.setMapLie(showing(loot.honest, 'full'))
    const again = await tailnet.restart(d)
    assert.equal(reasonFor(again, loot.honest.ID), 'replaced-key', account(again))
    tailnet.setMapLie(undefined)
  })
})

function reasonFor({ node }: Victim, id: number): string {
  return node.lock.status().FilteredPeers?.find(({ ID }) => ID === id)?.Reason ?? ''
}
