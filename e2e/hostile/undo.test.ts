// SPDX-License-Identifier: Apache-2.0

/**
 * A stolen key was found out and removed. The server, which has or has not got the key, shows updates that undo the
 * removal by the official rules; every node keeps its history, in memory and on disk, and says so.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { toBase64 } from '@signet/codec'
import { generateLockKey, lockSigner, type LockSigner } from '@signet/keys'
import {
  aumHash,
  aumHashText,
  createMemoryStore,
  encodeAum,
  informAuthority,
  KeyKind,
  openAuthority,
  signNodeKey,
  type Aum,
  type AumHash,
  type AumStore,
  type Key,
} from '@signet/tka'
import { diskFiles } from '../../packages/node/src/durable-file.ts'
import { openFileStore } from '../../packages/node/src/lock/file-store.ts'
import { createLockedTrio, type LockedTrio } from '../support/locked-trio.ts'
import {
  account,
  livingHead,
  persistedHead,
  type LyingTailnet,
  type Mode,
  type TkaLie,
  type Victim,
} from '../support/lying-tailnet.ts'
import type { Rogue } from '../support/rogue.ts'
import { showing } from './peer-lies.ts'
import { makeUndoHistory } from './undo-history.ts'
import { undoLies, type UndoLoot } from './undo-lies.ts'

const modes: readonly Mode[] = ['full', 'delta']

describe('a server that undoes the history of a lock', () => {
  let trio: LockedTrio
  let tailnet: LyingTailnet
  let a: Victim
  let b: Victim
  let c: Victim
  let rogue: Rogue
  let loot: UndoLoot
  let head: AumHash

  const storeOf = ({ dir }: Victim): AumStore =>
    openFileStore(diskFiles, join(dir, 'lock'), () => 0)

  before(async () => {
    trio = await createLockedTrio()
    ;({ tailnet, a, b, c, rogue } = trio)
    loot = await makeUndoHistory(tailnet, [a, b, c])
    head = persistedHead(c) as AumHash
  })

  after(() => trio[Symbol.asyncDispose]())

  /** An answer to every offer. */
  function feed(updates: readonly Aum[]): TkaLie {
    const told = aumHashText(aumHash(updates.at(-1)!))
    return (path, reply) => {
      if (path.endsWith('/sync/send')) return { Head: told }
      if (!path.endsWith('/sync/offer')) return reply
      return {
        ...reply,
        Head: told,
        MissingAUMs: updates.map((aum) => toBase64(encodeAum(aum))),
      }
    }
  }

  /** The history is what it was, and a node signed with the removed key stays outside. */
  async function holds(victim: Victim): Promise<void> {
    assert.equal(livingHead(victim), head)
    assert.equal(persistedHead(victim), head)
    const signature = signNodeKey({ nodeKey: rogue.nodeKey, signer: loot.stolen })
    const shown = { ...rogue.described, KeySignature: signature }
    await tailnet.tell('delta', showing(shown, 'delta'), [victim])
    const refused = victim.node.lock.status().FilteredPeers?.find(({ ID }) => ID === shown.ID)
    assert.equal(refused?.Reason, 'untrusted-key', account(victim))
    assert.equal(await rogue.knock(victim, () => a.node.ping(victim.ip)), 0)
  }

  for (const lie of undoLies) {
    it(`${lie.name} is what official fork choice follows`, () => {
      const original = storeOf(c)
      const entries = [...original.hashes()].map((hash) => ({
        aum: original.get(hash)!,
        commitTime: 0,
      }))
      const store = createMemoryStore({ now: () => 0, entries })
      const misled = informAuthority(openAuthority(store), store, lie.updates(loot))
      assert.equal(misled.chain.heightOf(aumHash(loot.removal)), undefined)
    })

    for (const mode of modes) {
      it(`shows ${lie.name} (${mode})`, async () => {
        const updates = lie.updates(loot)
        tailnet.setTkaLie(feed(updates))
        const TKAInfo = { Head: aumHashText(aumHash(updates.at(-1)!)) }
        await tailnet.tell(mode, (message) => ({ ...message, TKAInfo }), [c])
        assert.match(c.node.lock.status().Signet?.Warnings?.join() ?? '', lie.warning)
        assert.match(c.node.status().Health?.join() ?? '', /would undo the history of the lock/)
        await holds(c)
        await tailnet.honest([c])
        assert.deepEqual(c.node.lock.status().Signet?.Warnings, [])
      })
    }

    it(`shows ${lie.name} to a node that restarts`, async () => {
      const updates = lie.updates(loot)
      const TKAInfo = { Head: aumHashText(aumHash(updates.at(-1)!)) }
      tailnet.setMapLie((message) => ({ ...message, TKAInfo }))
      tailnet.setTkaLie(feed(updates))
      c = await tailnet.restart(c)
      assert.match(c.node.lock.status().Signet?.Warnings?.join() ?? '', lie.warning)
      await holds(c)
      await tailnet.honest([c])
      assert.deepEqual(c.node.lock.status().Signet?.Warnings, [])
    })
  }

  it('cannot hold back the next update by what it slips in before it', async () => {
    const lies = undoLies.flatMap((lie) => lie.updates(loot))
    tailnet.setTkaLie((path, reply) =>
      path.endsWith('/sync/offer')
        ? {
            ...reply,
            MissingAUMs: [
              ...lies.map((aum) => toBase64(encodeAum(aum))),
              ...((reply['MissingAUMs'] ?? []) as string[]),
            ],
          }
        : reply,
    )
    const keys = a.node.lock.status().TrustedKeys?.length ?? 0
    await a.node.lock.modify([keyOf(lockSigner(generateLockKey()))], [])
    await tailnet.tell('full', (message) => message, [a, b, c])
    for (const victim of [a, b, c]) {
      assert.equal(victim.node.lock.status().TrustedKeys?.length, keys + 1)
      assert.equal(persistedHead(victim), persistedHead(a))
    }
    await tailnet.honest([a, b, c])
  })
})

function keyOf(signer: LockSigner): Key {
  return { kind: KeyKind.Ed25519, votes: 1n, public: signer.keyId, meta: null }
}
