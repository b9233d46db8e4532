// SPDX-License-Identifier: Apache-2.0

/**
 * The store breaks at every commit point: before the commit (the change never happened), and after it (the
 * change is durable, the answer is lost, the process is gone). Whatever was acknowledged is there afterwards,
 * and whatever is there afterwards can be gone on from.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toBase64 } from '@signet/codec'
import {
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  lockPublicOf,
  machinePublicOf,
  nodePublicOf,
} from '@signet/keys'
import pino from 'pino'
import { resignNodeKey, signNodeKey } from '@signet/tka'
import { adminApp } from '../src/admin/app.ts'
import { certificateStatus } from '../src/http/certificate-status.ts'
import { ControlError } from '../src/errors.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import type { Store } from '../src/store/store.ts'
import {
  buildUpdates,
  lockTailnet,
  makeGenesis,
  SECRET,
  sendUpdates,
  signAll,
  trusted,
} from './support/lock.ts'
import { noRelay } from './support/no-relay.ts'
import { openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'
import { encodeAum } from '@signet/tka'

type Fault = 'before' | 'after'

/** A store that breaks once, at the n-th commit from when it is armed. */
interface Breakable {
  readonly store: Store
  arm(fault: Fault, commits?: number): void
  /** Commits since it was armed. */
  commits(): number
}

function breakable(inner: Store): Breakable {
  let fault: Fault | null = null
  let left = 0
  let count = 0
  const store: Store = {
    tailnets: () => inner.tailnets(),
    users: (id) => inner.users(id),
    nodes: (id) => inner.nodes(id),
    preAuthKeys: (id) => inner.preAuthKeys(id),
    authorities: (id) => inner.authorities(id),
    aums: (id) => inner.aums(id),
    pendingInits: (id) => inner.pendingInits(id),
    lastIds: () => inner.lastIds(),
    close: () => inner.close(),
    commit(writes) {
      if (writes.length > 0) {
        count++
        if (fault !== null && --left < 0) {
          const now = fault
          fault = null
          if (now === 'after') inner.commit(writes)
          throw new ControlError('store-failed', 'power cut')
        }
      }
      inner.commit(writes)
    },
  }
  return {
    store,
    arm(kind, commits = 0) {
      fault = kind
      left = commits
      count = 0
    },
    commits: () => count,
  }
}

/** What a tailnet looks like to whoever comes after a crash. */
function picture(server: TestServer): unknown {
  return {
    users: [...server.tailnet.users.values()],
    nodes: [...server.tailnet.nodes.values()].map(({ row }) => row),
    head: server.tailnet.lock.active?.headText ?? null,
    retired: server.tailnet.lock.retired.map(({ row }) => row),
    keys: [...server.tailnet.preAuthKeys.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    pending: [...server.runtime.lock.pending.values()],
  }
}

/** One thing that changes the store, after what it needs. */
interface Operation {
  readonly name: string
  readonly prepare: (server: TestServer) => Promise<() => Promise<unknown>>
}

const status = (reply: { status: number; text: string }): void => {
  if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`)
}

const accepted = (response: { Error: string }): void => {
  if (response.Error !== '') throw new Error(response.Error)
}

function sign(by: Machine, target: Machine): string {
  return toBase64(
    signNodeKey({
      nodeKey: nodePublicOf(target.nodeKey),
      rotationPublic: lockPublicOf(target.lockKey),
      signer: by.signer,
    }),
  )
}

/** A call of the admin API on a tailnet with one node, `a`. */
function adminOperation(
  name: string,
  method: string,
  path: string | ((server: TestServer) => string),
  body?: unknown,
): Operation {
  return {
    name,
    async prepare(server) {
      const a = server.join('a')
      a.register({ Hostinfo: { Hostname: 'a', RoutableIPs: ['10.0.0.0/8'] } })
      const app = adminApp({
        runtime: server.services.runtime,
        tailnets: server.services.tailnets,
        logins: server.services.logins,
        clock: server.clock,
        logger: pino({ level: 'silent' }),
        version: '0.0.0',
        url: () => 'http://server',
        publicKey: machinePublicOf(generateMachineKey()),
        steering: server.steering,
        calls: server.services.calls,
        reload: () => server.steering.reload(),
        relay: noRelay,
        certificate: () => certificateStatus(undefined),
        backUp: () => Promise.resolve([]),
      })
      const url = `/api/v1${typeof path === 'string' ? path : path(server)}`
      return async () => {
        const response = await app.request(url, {
          method,
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        status({ status: response.status, text: await response.text() })
      }
    },
  }
}

const operations: readonly Operation[] = [
  adminOperation('a new user', 'POST', '/users', { name: 'zoe' }),
  adminOperation('a new name of a user', 'PATCH', '/users/owner', { name: 'zoe' }),
  adminOperation('a new pre-auth key', 'POST', '/keys', { reusable: true }),
  adminOperation('a revoked pre-auth key', 'DELETE', (server) => {
    const [key] = server.tailnet.preAuthKeys.values()
    return `/keys/${key?.id}`
  }),
  adminOperation('a new name of a node', 'PATCH', '/nodes/a', { name: 'chosen' }),
  adminOperation('tags of a node', 'PATCH', '/nodes/a', { tags: ['tag:x'] }),
  adminOperation('approved routes', 'POST', '/nodes/a/routes', { approve: ['10.0.0.0/8'] }),
  adminOperation('an expired node', 'POST', '/nodes/a/expire'),
  adminOperation('a deleted node', 'DELETE', '/nodes/a'),
  {
    name: 'change of a node key under a lock',
    async prepare(server) {
      const a = server.join('a')
      await lockTailnet(server, [a])
      const AuthKey = server.authKey()
      const OldNodeKey = nodePublicOf(a.nodeKey)
      const old = a.row().signature
      assert.ok(old)
      a.nodeKey = generateNodeKey()
      const NodeKeySignature = resignNodeKey({
        nodeKey: nodePublicOf(a.nodeKey),
        old,
        signer: a.signer,
      })
      return async () => accepted(a.register({ OldNodeKey, NodeKeySignature, Auth: { AuthKey } }))
    },
  },
  {
    name: 'registration with a one-time key',
    async prepare(server) {
      const AuthKey = server.authKey({ reusable: false })
      const machine = server.machine('new')
      return async () => accepted(machine.register({ Auth: { AuthKey } }))
    },
  },
  {
    name: 'change of a node key',
    async prepare(server) {
      const machine = server.join('a')
      const AuthKey = server.authKey()
      const OldNodeKey = nodePublicOf(machine.nodeKey)
      machine.nodeKey = generateNodeKey()
      return async () => accepted(machine.register({ OldNodeKey, Auth: { AuthKey } }))
    },
  },
  {
    name: 'logout',
    async prepare(server) {
      const machine = server.join('a')
      const Expiry = new Date(123_000).toISOString()
      return async () => accepted(machine.register({ Expiry }))
    },
  },
  {
    name: 'init/begin',
    async prepare(server) {
      const a = server.join('a')
      const GenesisAUM = toBase64(encodeAum(await makeGenesis([a])))
      return async () => status(await a.tka('init/begin', { GenesisAUM }))
    },
  },
  {
    name: 'init/finish',
    async prepare(server) {
      const a = server.join('a')
      server.join('b')
      const GenesisAUM = toBase64(encodeAum(await makeGenesis([a])))
      const begun = await a.tka('init/begin', { GenesisAUM })
      const Signatures = signAll(a, begun.json.NeedSignatures)
      return async () => status(await a.tka('init/finish', { Signatures }))
    },
  },
  {
    name: 'sync/send',
    async prepare(server) {
      const a = server.join('a')
      await lockTailnet(server, [a])
      const updates = buildUpdates(server, [a], (builder) => {
        for (let n = 0; n < 3; n++) builder.addKey(trusted(generateLockKey()))
      })
      return async () => status(await sendUpdates(a, updates))
    },
  },
  {
    name: 'sign',
    async prepare(server) {
      const a = server.join('a')
      await lockTailnet(server, [a])
      const b = server.join('b')
      return async () => status(await a.tka('sign', { Signature: sign(a, b) }))
    },
  },
  {
    name: 'disable',
    async prepare(server) {
      const a = server.join('a')
      await lockTailnet(server, [a])
      const DisablementSecret = toBase64(SECRET)
      return async () => status(await a.tka('disable', { Head: '', DisablementSecret }))
    },
  },
]

describe('a store that breaks', () => {
  for (const { name, prepare } of operations) {
    for (const fault of ['before', 'after'] as const) {
      it(`${fault} the commit of ${name}`, async () => {
        const broken = breakable(openSqliteStore(':memory:'))
        using server = openTestServer({ store: broken.store })
        const run = await prepare(server)
        const before = picture(server)
        broken.arm(fault)
        await assert.rejects(run(), /power cut|503/, 'it is not acknowledged')
        assert.equal(broken.commits(), 1, 'it is one commit')
        assert.deepEqual(picture(server), before, 'memory is not ahead of the store')
        // The process is gone; another one opens what is there.
        const after = server.restart()
        if (fault === 'before') {
          assert.deepEqual(picture(after), before)
          // And the same request, repeated, goes through in the one that did not die.
          await run()
          assert.notDeepEqual(picture(server), before)
          assert.deepEqual(
            picture(server.restart()),
            picture(server),
            'acknowledged, so it is there',
          )
        } else {
          assert.notDeepEqual(picture(after), before, 'durable, though nobody was told')
        }
      })
    }
  }

  it('after the commit of a registration: the client comes again with another key, and is the same node', async () => {
    const broken = breakable(openSqliteStore(':memory:'))
    using server = openTestServer({ store: broken.store })
    const AuthKey = server.authKey({ reusable: false })
    const machine = server.machine('a')
    broken.arm('after')
    assert.throws(() => machine.register({ Auth: { AuthKey } }), { code: 'store-failed' })
    const after = server.restart()
    const same = after.machine('a', machine)
    same.nodeKey = generateNodeKey()
    assert.equal(same.register({ Auth: { AuthKey } }).Error, '')
    assert.equal(after.tailnet.nodes.size, 1)
  })

  it('after the commit of init/finish: the lock is on, for everybody', async () => {
    const broken = breakable(openSqliteStore(':memory:'))
    using server = openTestServer({ store: broken.store })
    const a = server.join('a')
    const GenesisAUM = toBase64(encodeAum(await makeGenesis([a])))
    const begun = await a.tka('init/begin', { GenesisAUM })
    broken.arm('after')
    await a.tka('init/finish', { Signatures: signAll(a, begun.json.NeedSignatures) })
    const after = server.restart()
    const same = after.machine('a', a)
    assert.equal((await same.tka('init/begin', { GenesisAUM })).status, 409)
    assert.ok(same.row().signature)
    assert.ok((await same.tka('bootstrap', { Head: '' })).json.GenesisAUM)
  })

  it('in the middle of an initialisation: begin, crash, finish', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const GenesisAUM = toBase64(encodeAum(await makeGenesis([a])))
    const begun = await a.tka('init/begin', { GenesisAUM })
    const after = server.restart()
    const same = after.machine('a', a)
    const Signatures = signAll(a, begun.json.NeedSignatures)
    assert.equal((await same.tka('init/finish', { Signatures })).status, 200)
    assert.ok(after.tailnet.lock.active)
  })
})
