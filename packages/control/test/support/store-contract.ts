// SPDX-License-Identifier: Apache-2.0

/**
 * What every store must do.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  discoPublicOf,
  generateDiscoKey,
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  lockPublicOf,
  machinePublicOf,
  nodePublicOf,
} from '@signet/keys'
import { aumHashFromBytes } from '@signet/tka'
import { ControlError } from '../../src/errors.ts'
import type { AuthorityRow, NodeRow, PreAuthKeyRow } from '../../src/store/rows.ts'
import type { Store, Write } from '../../src/store/store.ts'

const hash = (byte: number) => aumHashFromBytes(new Uint8Array(32).fill(byte))
const conflict = (error: unknown) => error instanceof ControlError && error.code === 'conflict'
const failed = (error: unknown) => error instanceof ControlError

const tailnet = { id: 1, name: 'default', domain: 'test.example', createdAt: 1 }
const other = { id: 2, name: 'other', domain: 'other.example', createdAt: 2 }
const user = { id: 1, tailnetId: 1, name: 'ann', role: 'owner', createdAt: 1 } as const

/** A node with something in every column. */
export function sampleNode(id: number, changes: Partial<NodeRow> = {}): NodeRow {
  return {
    id,
    tailnetId: 1,
    stableId: `n${id}`,
    userId: 1,
    machineKey: machinePublicOf(generateMachineKey()),
    nodeKey: nodePublicOf(generateNodeKey()),
    lockKey: lockPublicOf(generateLockKey()),
    discoKey: discoPublicOf(generateDiscoKey()),
    hostname: 'Host',
    name: `host-${id}`,
    nameFixed: true,
    ipv4: `100.64.0.${id}`,
    ipv6: `fd7a:115c:a1e0::${id}`,
    tags: ['tag:a', 'tag:b'],
    ephemeral: true,
    expiresAt: 99,
    createdAt: 10,
    preAuthKeyId: 'k',
    firstMapAt: 11,
    lastSeenAt: 12,
    hostinfo: '{"OS":"linux"}',
    endpoints: ['192.0.2.1:1', '[2001:db8::1]:2'],
    endpointTypes: [1, 2],
    homeRelay: 900,
    capabilityVersion: 145,
    signature: new Uint8Array([1, 2, 3]),
    previousKeys: [nodePublicOf(generateNodeKey())],
    reportedHead: 'HEAD',
    reportedHeadAt: 13,
    approvedRoutes: ['10.0.0.0/8'],
    ...changes,
  }
}

const sampleKey: PreAuthKeyRow = {
  id: 'k1',
  tailnetId: 1,
  userId: 1,
  secretHash: new Uint8Array(32).fill(1),
  reusable: false,
  ephemeral: true,
  preApproved: true,
  tags: ['tag:x'],
  createdAt: 3,
  expiresAt: 4,
  usedAt: null,
  revokedAt: null,
}

const sampleAuthority: AuthorityRow = {
  id: 1,
  tailnetId: 1,
  genesis: hash(1),
  head: hash(1),
  stateId: '18446744073709551615:1',
  createdAt: 5,
  retiredAt: null,
  disablementSecret: null,
}

/** Runs the contract against an implementation. */
export function storeContract(name: string, open: () => Store): void {
  function opened(...writes: Write[]): Store {
    const store = open()
    store.commit([{ put: 'tailnet', row: tailnet }, { put: 'user', row: user }, ...writes])
    return store
  }

  describe(`a store ${name}`, () => {
    it('gives back what was put, column by column', () => {
      const node = sampleNode(1)
      const bare = sampleNode(2, {
        lockKey: null,
        discoKey: null,
        tags: [],
        expiresAt: null,
        preAuthKeyId: null,
        firstMapAt: null,
        lastSeenAt: null,
        signature: null,
        reportedHeadAt: null,
        endpoints: [],
        endpointTypes: [],
        ephemeral: false,
        nameFixed: false,
      })
      const aum = {
        authorityId: 1,
        hash: hash(1),
        parent: null,
        raw: new Uint8Array([9]),
        arrivedAt: 6,
      }
      const child = { ...aum, hash: hash(2), parent: hash(1) }
      const pending = {
        tailnetId: 1,
        nodeId: 1,
        machineKey: node.machineKey,
        genesis: new Uint8Array([8]),
        expiresAt: 77,
      }
      const store = opened(
        { put: 'node', row: node },
        { put: 'node', row: bare },
        { put: 'pre-auth-key', row: sampleKey },
        { put: 'authority', row: sampleAuthority },
        { put: 'aum', row: aum },
        { put: 'aum', row: child },
        { put: 'pending-init', row: pending },
      )
      assert.deepEqual(store.tailnets(), [tailnet])
      assert.deepEqual(store.users(1), [user])
      assert.deepEqual(store.nodes(1), [node, bare])
      assert.deepEqual(store.preAuthKeys(1), [sampleKey])
      assert.deepEqual(store.authorities(1), [sampleAuthority])
      assert.deepEqual(store.aums(1), [aum, child])
      assert.deepEqual(store.pendingInits(1), [pending])
      store.close()
    })

    it('replaces by id, and deletes', () => {
      const node = sampleNode(1)
      const store = opened({ put: 'node', row: node })
      const changed = { ...node, endpoints: [], signature: null }
      store.commit([{ put: 'node', row: changed }])
      assert.deepEqual(store.nodes(1), [changed])
      store.commit([{ delete: 'node', id: 1 }])
      assert.deepEqual(store.nodes(1), [])
      assert.equal(store.lastIds().node, 1, 'and never gives a number out again')
      store.commit([{ put: 'pre-auth-key', row: sampleKey }])
      store.commit([
        { delete: 'pre-auth-key', id: 'k1' },
        { delete: 'user', id: 1 },
      ])
      assert.deepEqual(store.users(1), [])
      store.close()
    })

    it('keeps tailnets apart', () => {
      const store = opened({ put: 'tailnet', row: other })
      store.commit([
        { put: 'user', row: { ...user, id: 2, tailnetId: 2 } },
        { put: 'node', row: sampleNode(1) },
        {
          put: 'node',
          row: sampleNode(2, { tailnetId: 2, userId: 2, ipv4: '100.64.0.1', name: 'host-1' }),
        },
      ])
      assert.equal(store.nodes(1).length, 1)
      assert.equal(store.nodes(2).length, 1)
      store.close()
    })

    it('does all of a list, or none', () => {
      const store = opened()
      const good: Write = { put: 'node', row: sampleNode(1) }
      const lists: Write[][] = [
        [good, { put: 'node', row: sampleNode(2, { userId: 99 }) }],
        [good, { put: 'node', row: sampleNode(2, { name: 'host-1' }) }],
        [good, { use: 'pre-auth-key', id: 'nobody', at: 1 }],
        [good, { move: 'head', authorityId: 9, from: hash(1), to: hash(2) }],
      ]
      for (const list of lists) {
        assert.throws(() => store.commit(list), failed)
        assert.deepEqual(store.nodes(1), [])
      }
      store.commit([good])
      assert.equal(store.nodes(1).length, 1)
      store.close()
    })

    it('lets a node key, a name and an address be used once', () => {
      const node = sampleNode(1)
      const store = opened({ put: 'node', row: node })
      for (const clash of ['nodeKey', 'name', 'ipv4', 'ipv6', 'stableId'] as const) {
        const row = sampleNode(2, { [clash]: node[clash] })
        assert.throws(() => store.commit([{ put: 'node', row }]), conflict, clash)
      }
      store.close()
    })

    it('uses a one-time key once, whatever the caller believes', () => {
      const store = opened({ put: 'pre-auth-key', row: sampleKey })
      store.commit([{ use: 'pre-auth-key', id: 'k1', at: 50 }])
      assert.equal(store.preAuthKeys(1)[0]!.usedAt, 50)
      assert.throws(() => store.commit([{ use: 'pre-auth-key', id: 'k1', at: 51 }]), conflict)
      assert.equal(store.preAuthKeys(1)[0]!.usedAt, 50)
      store.close()
    })

    it('moves a head only from where it is, and only while the authority lives', () => {
      const store = opened({ put: 'authority', row: sampleAuthority })
      store.commit([{ move: 'head', authorityId: 1, from: hash(1), to: hash(2) }])
      assert.equal(store.authorities(1)[0]!.head, hash(2))
      const again: Write = { move: 'head', authorityId: 1, from: hash(1), to: hash(3) }
      assert.throws(() => store.commit([again]), conflict)
      const retired = {
        ...sampleAuthority,
        head: hash(2),
        retiredAt: 9,
        disablementSecret: new Uint8Array([1]),
      }
      store.commit([{ put: 'authority', row: retired }])
      assert.deepEqual(store.authorities(1), [retired])
      const late: Write = { move: 'head', authorityId: 1, from: hash(2), to: hash(3) }
      assert.throws(() => store.commit([late]), conflict)
      store.close()
    })

    it('has one active authority per tailnet', () => {
      const store = opened({ put: 'authority', row: sampleAuthority })
      assert.throws(
        () => store.commit([{ put: 'authority', row: { ...sampleAuthority, id: 2 } }]),
        conflict,
      )
      store.close()
    })

    it('forgets a pending initialisation with its node', () => {
      const node = sampleNode(1)
      const pending = {
        tailnetId: 1,
        nodeId: 1,
        machineKey: node.machineKey,
        genesis: new Uint8Array([8]),
        expiresAt: 77,
      }
      const store = opened({ put: 'node', row: node }, { put: 'pending-init', row: pending })
      store.commit([{ delete: 'node', id: 1 }])
      assert.deepEqual(store.pendingInits(1), [])
      store.close()
    })
  })
}
