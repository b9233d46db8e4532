// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toBase64 } from '@signet/codec'
import { generateLockKey, generateNodeKey, lockPublicOf, nodePublicOf } from '@signet/keys'
import { aumHash, aumHashText, EMPTY_AUM, resignNodeKey, signNodeKey } from '@signet/tka'
import { ackOf } from '../src/lock/acks.ts'
import type { Ack } from '../src/lock/acks.ts'
import { alertLockedOut } from '../src/lock/alerts.ts'
import { reportSignatures } from '../src/lock/signature-report.ts'
import { noteOnKey } from '../src/lock/wrapper-keys.ts'
import { buildUpdates, lockTailnet, SECRET, sendUpdates, trusted } from './support/lock.ts'
import { openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'

function ack(server: TestServer, machine: Machine): Ack {
  const { lock, sessions } = server.runtime
  const { id } = machine.row()
  return ackOf(lock, server.tailnet.nodes.get(id)!, sessions.lockRepeats(id))
}

/** What a node reports in a short update. */
function report(server: TestServer, machine: Machine, head: string): void {
  void server.tailnet.note({
    ...machine.row(),
    reportedHead: head,
    reportedHeadAt: server.clock.now(),
  })
}

const headOf = (server: TestServer): string => server.tailnet.lock.active!.headText

describe('acks', () => {
  it('follow a node from pending over in sync, behind and retired to off', async () => {
    using server = openTestServer()
    const a = server.join('a')
    assert.deepEqual(ack(server, a), { state: 'off', since: null, note: null })
    server.clock.advance(1_000)
    await lockTailnet(server, [a])
    const lockedAt = server.clock.now()
    assert.equal(ack(server, a).state, 'pending')
    assert.equal(ack(server, a).since, lockedAt)
    server.clock.advance(1_000)
    report(server, a, headOf(server))
    assert.deepEqual(ack(server, a), { state: 'in-sync', since: lockedAt + 1_000, note: null })
    server.clock.advance(5_000)
    const first = headOf(server)
    for (let n = 0; n < 2; n++) {
      await sendUpdates(
        a,
        buildUpdates(server, [a], (builder) => builder.addKey(trusted(generateLockKey()))),
      )
      server.clock.advance(5_000)
    }
    assert.equal(ack(server, a).state, 'behind')
    // Since the first update that it lacks, not the last.
    assert.equal(ack(server, a).since, lockedAt + 6_000)
    assert.match(ack(server, a).note!, /offline/)
    report(server, a, headOf(server))
    await a.tka('disable', { Head: '', DisablementSecret: toBase64(SECRET) })
    const endedAt = server.clock.now()
    server.clock.advance(1_000)
    assert.equal(ack(server, a).state, 'retired')
    assert.equal(ack(server, a).since, endedAt)
    await lockTailnet(server, [a])
    assert.equal(ack(server, a).state, 'retired')
    report(server, a, first)
    assert.equal(ack(server, a).state, 'retired')
    report(server, a, '')
    assert.equal(ack(server, a).state, 'pending')
  })

  it('say of an unknown update what to do about it, with and without a lock', async () => {
    using server = openTestServer()
    const a = server.join('a')
    report(server, a, aumHashText(aumHash(EMPTY_AUM)))
    assert.equal(ack(server, a).state, 'unknown')
    assert.match(ack(server, a).note!, /never had/)
    await lockTailnet(server, [a])
    assert.equal(ack(server, a).state, 'unknown')
    assert.match(ack(server, a).note!, /brings back by itself.*local-disable/)
  })

  it('say that a node refuses when it asks again and again how to begin', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a])
    const since = server.clock.now()
    for (let n = 0; n < 2; n++) await b.tka('bootstrap', { Head: '' })
    assert.equal(ack(server, b).state, 'pending')
    server.clock.advance(1_000)
    await b.tka('bootstrap', { Head: '' })
    assert.equal(ack(server, b).state, 'refusing')
    assert.equal(ack(server, b).since, since)
    assert.match(ack(server, b).note!, /3 times.*local-disable/)
    report(server, b, headOf(server))
    assert.equal(ack(server, b).state, 'in-sync')
    // It lets go much later: what it asked before is another story.
    server.clock.advance(1_000)
    report(server, b, '')
    assert.equal(ack(server, b).state, 'pending')
  })

  it('say that a node refuses which is told again and again and does not ask', async () => {
    using server = openTestServer()
    const [a, deaf] = [server.join('a'), server.join('deaf')]
    await lockTailnet(server, [a])
    const viewer = openViewer(server, deaf)
    server.runtime.sessions.flush()
    assert.equal(viewer.take()[0]!.TKAInfo!.Head, headOf(server))
    assert.equal(ack(server, deaf).state, 'pending')
    for (let n = 0; n < 5; n++) server.clock.advance(60_000)
    assert.equal(ack(server, deaf).state, 'refusing')
    assert.match(ack(server, deaf).note!, /does not ask/)
    viewer.close()
  })
})

describe('signatures in lists', () => {
  it('are valid, missing, invalid, obsolete, unsafe, or cannot be rotated', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const names = ['removed', 'old', 'new', 'stuck', 'unsafe'] as const
    const [removed, old, fresh, stuck, unsafe] = names.map((name) => server.join(name))
    const stateOf = (machine: Machine): string => reportSignatures(server.tailnet)(machine.row())
    assert.equal(stateOf(a), 'off')
    await lockTailnet(server, [a, b])
    const put = (machine: Machine, signature: Uint8Array | null): void =>
      server.tailnet.write((draft) => draft.putNode({ ...machine.row(), signature }))
    const direct = (by: Machine, machine: Machine, wrapping: Machine | null): Uint8Array =>
      signNodeKey({
        nodeKey: nodePublicOf(machine.nodeKey),
        signer: by.signer,
        ...(wrapping !== null && { rotationPublic: lockPublicOf(wrapping.lockKey) }),
      })
    put(removed!, direct(b, removed!, removed!))
    put(stuck!, direct(a, stuck!, null))
    const zeros = new Uint8Array(direct(a, unsafe!, unsafe!))
    zeros.fill(0, zeros.length - 32)
    put(unsafe!, zeros)
    put(
      fresh!,
      resignNodeKey({
        nodeKey: nodePublicOf(fresh!.nodeKey),
        old: old!.row().signature!,
        signer: old!.signer,
      }),
    )
    const missing = server.join('missing')
    const removal = buildUpdates(server, [a], (builder) => builder.removeKey(b.signer.keyId))
    assert.equal((await sendUpdates(a, removal)).status, 200)
    assert.deepEqual([a, missing, removed!, old!, fresh!, stuck!, unsafe!].map(stateOf), [
      'valid',
      'missing',
      'invalid',
      'obsolete',
      // Its wrapping key is that of the node which it came from.
      'cannot-self-rotate',
      'cannot-self-rotate',
      'unsafe',
    ])
    assert.ok(generateNodeKey)
  })
})

describe('a trusted key for a pre-auth key', () => {
  it('is told from the keys of nodes, and said to be over when the pre-auth key is', () => {
    using server = openTestServer()
    const key = trusted(generateLockKey())
    const note = (meta: [string, string][]): string | null =>
      noteOnKey(server.tailnet, { ...key, meta: new Map(meta) }, server.clock.now())
    const id = (text: string): [string, string][] => [
      ['purpose', 'pre-auth key'],
      ['authkey_stableid', text.split('-')[2]!],
    ]
    assert.equal(note([]), null)
    assert.equal(note([['purpose', 'other']]), null)
    assert.match(note([['purpose', 'pre-auth key']])!, /does not know/)
    const good = id(server.authKey())
    assert.match(note(good)!, /^for pre-auth key "[A-Za-z0-9]+"$/)
    const short = id(server.authKey({ expiresAt: server.clock.now() + 1_000 }))
    assert.doesNotMatch(note(short)!, /expired/)
    server.clock.advance(1_000)
    assert.match(note(short)!, /expired; can be removed/)
    const text = server.authKey({ reusable: false })
    assert.doesNotMatch(note(id(text))!, /used/)
    server.machine('m').register({ Auth: { AuthKey: text } })
    assert.match(note(id(text))!, /was used/)
    const row = server.tailnet.preAuthKeys.get(good[1]![1])!
    server.tailnet.write((draft) => draft.putKey({ ...row, revokedAt: 1 }))
    assert.match(note(good)!, /revoked/)
    assert.match(note(id('tskey-auth-"quoted"-x'))!, /"\\"quoted\\""/)
  })
})

describe('a key that is removed', () => {
  it('is followed by a warning that names the nodes it locked out, and no node is touched', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a, b])
    const c = server.join('c')
    await b.tka('sign', {
      Signature: toBase64(
        signNodeKey({
          nodeKey: nodePublicOf(c.nodeKey),
          rotationPublic: lockPublicOf(c.lockKey),
          signer: b.signer,
        }),
      ),
    })
    const before = server.tailnet.lock
    const logged: unknown[] = []
    const alert = (): void => {
      const logger = { ...server.services.logger, warn: (fields: unknown) => logged.push(fields) }
      alertLockedOut({ tailnet: server.tailnet, logger: logger as never }, before)
    }
    await sendUpdates(
      a,
      buildUpdates(server, [a], (builder) => builder.addKey(trusted(generateLockKey()))),
    )
    alert()
    assert.deepEqual(logged, [])
    await sendUpdates(
      a,
      buildUpdates(server, [a], (builder) => builder.removeKey(b.signer.keyId)),
    )
    alert()
    assert.deepEqual(logged, [{ count: 1, nodes: ['c'] }])
    assert.ok(c.row().signature)
  })
})
