// SPDX-License-Identifier: Apache-2.0

/**
 * The server lies about the lock; every node keeps the authority that it has, in memory and on disk, and goes on
 * refusing the node that the server would like to slip in.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { toBase64 } from '@signet/codec'
import { generateLockKey, lockKeyId, lockPublicOf, lockSigner } from '@signet/keys'
import {
  aumHash,
  aumHashText,
  aumParent,
  encodeAum,
  KeyKind,
  openAuthority,
  type AumHash,
} from '@signet/tka'
import { join } from 'node:path'
import { diskFiles } from '../../packages/node/src/durable-file.ts'
import { openFileStore } from '../../packages/node/src/lock/file-store.ts'
import { createLockedTrio, type LockedTrio } from '../support/locked-trio.ts'
import {
  account,
  createLyingTailnet,
  livingHead,
  persistedHead,
  stolenKeys,
  type LyingTailnet,
  type Mode,
  type Victim,
} from '../support/lying-tailnet.ts'
import { createRogue, type Rogue } from '../support/rogue.ts'
import { foreignGenesis, lockLies, type LockLoot } from './authority-lies.ts'
import { showing } from './peer-lies.ts'

const modes: readonly Mode[] = ['full', 'delta']

describe('a server that lies about the lock', () => {
  let trio: LockedTrio
  let tailnet: LyingTailnet
  let a: Victim
  let b: Victim
  let c: Victim
  let rogue: Rogue
  let loot: LockLoot

  before(async () => {
    trio = await createLockedTrio()
    ;({ tailnet, a, b, c, rogue } = trio)
    const store = openFileStore(diskFiles, join(c.dir, 'lock'), () => 0)
    const { head, state } = openAuthority(store)
    loot = { head, genesis: head, state, trusted: lockSigner(stolenKeys(a).lockKey) }
  })

  after(() => trio[Symbol.asyncDispose]())

  /** The lock is on, its head and its keys are what they were, and the rogue stays outside. */
  async function holds(victim: Victim, head: AumHash): Promise<void> {
    const status = victim.node.lock.status()
    assert.equal(status.Enabled, true)
    assert.equal(livingHead(victim), head)
    assert.equal(persistedHead(victim), head)
    assert.equal(status.TrustedKeys?.length, loot.state.keys?.length)
    await tailnet.tell('delta', showing(rogue.described, 'delta'), [victim])
    assert.ok(!victim.node.peers().some(({ id }) => id === rogue.described.ID), account(victim))
    assert.equal(await rogue.knock(victim, () => a.node.ping(victim.ip)), 0)
  }

  for (const mode of modes) {
    for (const lie of lockLies) {
      it(`says: ${lie.name} (${mode})`, async () => {
        tailnet.setTkaLie(lie.tka(loot))
        await tailnet.tell(mode, (message) => ({ ...message, TKAInfo: lie.info(loot) }), [c])
        await holds(c, loot.head)
        await tailnet.honest([c])
        assert.deepEqual(c.node.lock.status().Signet?.Warnings, [])
      })
    }
  }

  it('says nothing of the lock in the first map after a restart', async () => {
    tailnet.setMapLie(({ TKAInfo: _unsaid, ...message }) => message)
    tailnet.setTkaLie((path, reply) => (path.endsWith('/bootstrap') ? {} : reply))
    c = await tailnet.restart(c)
    await holds(c, loot.head)
    await tailnet.honest([c])
  })

  it('shows another genesis to a node that restarts', async () => {
    const other = foreignGenesis()
    tailnet.setMapLie((message) => ({ ...message, TKAInfo: { Head: aumHashText(aumHash(other)) } }))
    tailnet.setTkaLie((path, reply) =>
      path.endsWith('/bootstrap') ? { GenesisAUM: toBase64(encodeAum(other)) } : reply,
    )
    c = await tailnet.restart(c)
    await holds(c, loot.head)
    await tailnet.honest([c])
  })

  it('slips a bad update in among good ones, and holds back nothing by it', async () => {
    const other = encodeAum(foreignGenesis())
    tailnet.setTkaLie((path, reply) =>
      path.endsWith('/sync/offer')
        ? {
            ...reply,
            MissingAUMs: [toBase64(other), ...((reply['MissingAUMs'] ?? []) as string[])],
          }
        : reply,
    )
    const added = lockPublicOf(generateLockKey())
    const key = { kind: KeyKind.Ed25519, votes: 1n, public: lockKeyId(added), meta: null }
    await a.node.lock.modify([key], [])
    await tailnet.tell('full', (message) => message, [a, b, c])
    for (const victim of [a, b, c]) {
      assert.equal(victim.node.lock.status().TrustedKeys?.length, 3)
      const store = openFileStore(diskFiles, join(victim.dir, 'lock'), () => 0)
      const { head, state } = openAuthority(store)
      const last = store.get(head)
      assert.equal(last && aumParent(last), loot.head)
      loot = { ...loot, state }
    }
    loot = { ...loot, head: persistedHead(c) as AumHash }
    await tailnet.honest([a, b, c])
  })

  it('answers a change with another head', async () => {
    tailnet.setTkaLie((path, reply) =>
      path.endsWith('/sync/send') ? { Head: 'A'.repeat(52) } : reply,
    )
    const added = lockPublicOf(generateLockKey())
    const key = { kind: KeyKind.Ed25519, votes: 1n, public: lockKeyId(added), meta: null }
    await assert.rejects(a.node.lock.modify([key], []), { code: 'lock-conflict' })
    await tailnet.honest([a, b, c])
  })

  it("passes off a stranger's signature as one that has to be renewed", async () => {
    const stranger = lockSigner(generateLockKey())
    const { signNodeKey } = await import('@signet/tka')
    const bad = signNodeKey({ nodeKey: rogue.nodeKey, signer: stranger })
    tailnet.setTkaLie((path, reply) =>
      path.endsWith('/affected-sigs') ? { Signatures: [toBase64(bad)] } : reply,
    )
    await assert.rejects(a.node.lock.affectedSignatures(loot.trusted.keyId), {
      code: 'control-protocol',
    })
    tailnet.setTkaLie(undefined)
  })
})

describe('a server that lies at first contact', () => {
  it('has a node of its own signed when the lock begins', async () => {
    await using tailnet = await createLyingTailnet()
    await using rogue = await createRogue()
    const a = await tailnet.join('a')
    const b = await tailnet.join('b')
    tailnet.setTkaLie((path, reply) =>
      path.endsWith('/init/begin')
        ? {
            NeedSignatures: [
              ...(reply['NeedSignatures'] as unknown[]),
              { NodeID: 666, NodePublic: rogue.nodeKey, RotationPubkey: null },
            ],
          }
        : reply,
    )
    await assert.rejects(tailnet.lock(a, b), { code: 'lock-unknown-node-keys' })
    assert.equal(a.node.lock.status().Enabled, false)
  })

  for (const [what, edit] of [
    ['shows another genesis to a pinned node', (): { Head: string } => ({ Head: foreignHead })],
    ['says to a pinned node that there is no lock', (): undefined => undefined],
  ] as const) {
    it(what, async () => {
      await using tailnet = await createLyingTailnet()
      const a = await tailnet.join('a')
      const b = await tailnet.join('b')
      await tailnet.lock(a, b)
      const pin = a.node.lock.status().Signet?.Genesis ?? ''
      tailnet.setMapLie(({ TKAInfo: _unsaid, ...message }) => {
        const TKAInfo = edit()
        return TKAInfo === undefined ? message : { ...message, TKAInfo }
      })
      tailnet.setTkaLie((path, reply) =>
        path.endsWith('/bootstrap') ? { GenesisAUM: toBase64(encodeAum(foreign)) } : reply,
      )
      const d = await tailnet.join('d', { pin })
      assert.deepEqual(d.node.peers(), [])
      assert.notEqual(d.node.lock.status().Signet?.FailedClosed, '')
      // The truth heals it: the pinned lock is found, and only the signature is missing.
      await tailnet.honest([d])
      assert.equal(d.node.lock.status().Signet?.Genesis, pin)
      assert.equal(d.node.lock.status().NodeKeySigned, false)
    })
  }
})

describe('a server that keeps the lock back from a new node', () => {
  it('withholds the genesis', async () => {
    await using tailnet = await createLyingTailnet()
    const a = await tailnet.join('a')
    const b = await tailnet.join('b')
    await tailnet.lock(a, b)
    tailnet.setTkaLie((path, reply) => (path.endsWith('/bootstrap') ? {} : reply))
    const d = await tailnet.join('d')
    assert.deepEqual(d.node.peers(), [], account(d))
    assert.notEqual(d.node.lock.status().Signet?.FailedClosed, '')
    await tailnet.honest([d])
    assert.equal(d.node.lock.status().Enabled, true)
  })

  it('leaves out the capability to know of locks', async () => {
    await using tailnet = await createLyingTailnet()
    const a = await tailnet.join('a')
    const b = await tailnet.join('b')
    await tailnet.lock(a, b)
    const known = new Set([a.nodeKey, b.nodeKey])
    tailnet.utter('delta', (message, viewer) => {
      if (known.has(viewer) || !message.Node) return message
      const { CapMap: _capabilities, Capabilities: _old, ...bare } = message.Node
      return { ...message, Node: bare }
    })
    const d = await tailnet.join('d')
    assert.equal(d.node.lock.status().Enabled, true)
    assert.equal(d.node.lock.status().NodeKeySigned, false)
    tailnet.hush()
  })
})

const foreign = foreignGenesis()
const foreignHead = aumHashText(aumHash(foreign))
