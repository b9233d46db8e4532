// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBase64, toBase64 } from '@signet/codec'
import {
  generateLockKey,
  generateNodeKey,
  lockPublicOf,
  nodePublicOf,
  zeroLockPublic,
} from '@signet/keys'
import { AumKind, encodeAum, resignNodeKey, signAum, signNodeKey, EMPTY_AUM } from '@signet/tka'
import { lockTailnet, makeGenesis, secretValue, signAll, trusted } from './support/lock.ts'
import { HOUR, openTestServer } from './support/server.ts'
import type { Machine } from './support/server.ts'

async function begin(machine: Machine, keys: readonly Machine[] = [machine]) {
  const genesis = await makeGenesis(keys)
  return machine.tka('init/begin', { GenesisAUM: toBase64(encodeAum(genesis)) })
}

describe('init/begin', () => {
  it('asks for a signature of every node, with the lock key of each, and has no visible effect', async () => {
    using server = openTestServer()
    const [a, b, tagged] = [
      server.join('a'),
      server.join('b'),
      server.join('t', 'owner', { tags: ['tag:x'] }),
    ]
    const without = server.machine('old')
    without.register({ Auth: { AuthKey: server.authKey() }, NLKey: zeroLockPublic })
    b.register({ Expiry: new Date(123_000).toISOString() })
    const reply = await begin(a)
    assert.equal(reply.status, 200)
    assert.deepEqual(
      reply.json.NeedSignatures.map((need: { NodePublic: string }) => need.NodePublic),
      [a, b, tagged, without].map((machine) => nodePublicOf(machine.nodeKey)),
    )
    assert.deepEqual(
      Buffer.from(fromBase64(reply.json.NeedSignatures[1].RotationPubkey)),
      Buffer.from(b.signer.keyId),
    )
    assert.equal(reply.json.NeedSignatures[3].RotationPubkey, null)
    assert.equal(server.tailnet.lock.active, null)
    assert.equal((await a.tka('bootstrap', { Head: '' })).status, 404)
  })

  it('is for owners and admins, by the record of the server', async () => {
    using server = openTestServer()
    const cases: [Machine, number, RegExp][] = [
      [server.join('owner', 'owner'), 200, /NeedSignatures/],
      [server.join('admin', 'admin'), 200, /NeedSignatures/],
      [server.join('member', 'member'), 403, /Only owners and admins/],
      [server.join('tagged', 'owner', { tags: ['tag:x'] }), 403, /tagged node/],
    ]
    for (const [machine, status, text] of cases) {
      const reply = await begin(machine)
      assert.equal(reply.status, status, machine.name)
      assert.match(reply.text, text)
    }
    const user = [...server.tailnet.users.values()].find(({ role }) => role === 'member')!
    server.tailnet.write((draft) => draft.putUser({ ...user, role: 'admin' }))
    assert.equal((await begin(cases[2]![0])).status, 200)
  })

  it('refuses nodes whose key has expired', async () => {
    using server = openTestServer()
    const a = server.join('a')
    a.register({ Expiry: new Date(123_000).toISOString() })
    assert.equal((await begin(a)).status, 403)
  })

  it('refuses a genesis that is not one', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const genesis = await makeGenesis([a])
    const good = encodeAum(genesis)
    const state = genesis.state!
    const stranger = generateLockKey()
    const unsigned = { ...genesis, signatures: null }
    const cases: Record<string, Uint8Array> = {
      empty: new Uint8Array(),
      garbage: new Uint8Array([1, 2, 3]),
      'a byte too many': new Uint8Array([...good, 0]),
      'another spelling': respell(good),
      'no signature': encodeAum(unsigned),
      'a forged signature': encodeAum({
        ...genesis,
        signatures: [{ keyId: a.signer.keyId, signature: new Uint8Array(64) }],
      }),
      'a signer that is not trusted': encodeAum(signAum(unsigned, [server.join('b').signer])),
      'no checkpoint': encodeAum(signAum({ ...EMPTY_AUM, kind: AumKind.NoOp }, [a.signer])),
      'a parent': encodeAum(signAum({ ...unsigned, prev: new Uint8Array(32) }, [a.signer])),
      'no way to end it': encodeAum(
        signAum({ ...unsigned, state: { ...state, disablementValues: [] } }, [a.signer]),
      ),
      'two keys of the same name': encodeAum(
        signAum({ ...unsigned, state: { ...state, keys: [...state.keys!, ...state.keys!] } }, [
          a.signer,
        ]),
      ),
      'a key of 31 bytes': encodeAum(
        signAum(
          {
            ...unsigned,
            state: {
              ...state,
              keys: [...state.keys!, { ...trusted(stranger), public: new Uint8Array(31) }],
            },
          },
          [a.signer],
        ),
      ),
      '513 keys': encodeAum(
        signAum(
          {
            ...unsigned,
            state: {
              ...state,
              keys: [
                ...state.keys!,
                ...Array.from({ length: 512 }, () => trusted(generateLockKey())),
              ],
            },
          },
          [a.signer],
        ),
      ),
    }
    for (const [name, bytes] of Object.entries(cases)) {
      const reply = await a.tka('init/begin', { GenesisAUM: toBase64(bytes) })
      assert.equal(reply.status, 400, `${name}: ${reply.text}`)
    }
    assert.equal(server.runtime.lock.pending.size, 0)
  })

  it("refuses a genesis without the caller's own lock key, and one while the lock is on", async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const reply = await begin(a, [b])
    assert.equal(reply.status, 400)
    assert.match(reply.text, /must be one of the trusted keys/)
    await lockTailnet(server, [a])
    assert.equal((await begin(a)).status, 409)
  })
})

/** Writes the kind, 5, in two bytes instead of one. */
function respell(bytes: Uint8Array): Uint8Array {
  assert.equal(bytes[2], AumKind.Checkpoint)
  return new Uint8Array([...bytes.subarray(0, 2), 0x18, ...bytes.subarray(2)])
}

describe('init/finish', () => {
  it('stores genesis and signatures, and tells nodes the head', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const genesis = await lockTailnet(server, [a])
    assert.ok(server.tailnet.lock.active)
    assert.ok(a.row().signature)
    assert.ok(b.row().signature)
    const reply = await b.tka('bootstrap', { Head: '' })
    assert.deepEqual(
      Buffer.from(fromBase64(reply.json.GenesisAUM)),
      Buffer.from(encodeAum(genesis)),
    )
    assert.equal((await b.tka('init/finish', { Signatures: {} })).status, 409)
  })

  it('is answered again when the answer was lost, also by a server that was restarted', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const [mine, others] = [await begin(a), await begin(b)]
    const Signatures = signAll(a, mine.json.NeedSignatures)
    assert.equal((await a.tka('init/finish', { Signatures })).status, 200)
    const head = server.tailnet.lock.active!.headText
    const after = server.restart()
    const [sameA, sameB] = [after.machine('a', a), after.machine('b', b)]
    assert.equal((await sameA.tka('init/finish', { Signatures })).status, 200)
    assert.equal(after.tailnet.lock.active!.headText, head)
    const lost = await sameB.tka('init/finish', {
      Signatures: signAll(b, others.json.NeedSignatures),
    })
    assert.equal(lost.status, 409)
    after.clock.advance(11 * 60_000)
    assert.equal((await sameA.tka('init/finish', { Signatures })).status, 409)
  })

  it('refuses to keep a secret for support, and says what to do', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const begun = await begin(a)
    const reply = await a.tka('init/finish', {
      Signatures: signAll(a, begun.json.NeedSignatures),
      SupportDisablement: toBase64(new Uint8Array(32)),
    })
    assert.equal(reply.status, 403)
    assert.match(reply.text, /run init again without --gen-disablement-for-support/)
    assert.equal(server.tailnet.lock.active, null)
  })

  it('wants to have been begun, by this very node, not long ago', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    assert.equal((await a.tka('init/finish', { Signatures: {} })).status, 409)
    const begun = await begin(a)
    const Signatures = signAll(a, begun.json.NeedSignatures)
    assert.equal((await b.tka('init/finish', { Signatures })).status, 409)
    server.clock.advance(11 * 60_000)
    assert.equal((await a.tka('init/finish', { Signatures })).status, 409)
    assert.ok(HOUR)
  })

  it('notices nodes that came or changed their key meanwhile', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const begun = await begin(a)
    const Signatures = signAll(a, begun.json.NeedSignatures)
    const b = server.join('b')
    let reply = await a.tka('init/finish', { Signatures })
    assert.equal(reply.status, 409)
    assert.match(reply.text, /run init again/)

    const again = await begin(a)
    const OldNodeKey = nodePublicOf(b.nodeKey)
    b.nodeKey = generateNodeKey()
    b.register({ OldNodeKey, Auth: { AuthKey: server.authKey() } })
    reply = await a.tka('init/finish', { Signatures: signAll(a, again.json.NeedSignatures) })
    assert.equal(reply.status, 409)
    assert.equal(server.tailnet.lock.active, null)
  })

  it('notices a node that comes while the signatures are being checked', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const begun = await begin(a)
    const reply = a.tka('init/finish', { Signatures: signAll(a, begun.json.NeedSignatures) })
    server.join('late')
    assert.equal((await reply).status, 409)
    assert.equal(server.tailnet.lock.active, null)
  })

  it('checks every signature', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const stranger = generateLockKey()
    const nodeKey = nodePublicOf(b.nodeKey)
    const rotationPublic = lockPublicOf(b.lockKey)
    const good = signNodeKey({ nodeKey, rotationPublic, signer: a.signer })
    const forged = new Uint8Array(good)
    forged[110]! ^= 1
    const zeroWrapping = new Uint8Array(good)
    zeroWrapping.fill(0, zeroWrapping.length - 32)
    const cases: Record<string, Uint8Array> = {
      none: new Uint8Array(),
      garbage: new Uint8Array([7]),
      forged,
      'for another key': signNodeKey({
        nodeKey: nodePublicOf(a.nodeKey),
        rotationPublic,
        signer: a.signer,
      }),
      'by a key that is not in the genesis': signNodeKey({
        nodeKey,
        rotationPublic,
        signer: b.signer,
      }),
      'without rotation key': signNodeKey({ nodeKey, signer: a.signer }),
      "with somebody else's rotation key": signNodeKey({
        nodeKey,
        rotationPublic: lockPublicOf(stranger),
        signer: a.signer,
      }),
      'with a rotation key of zeros': zeroWrapping,
      'with a byte too many': new Uint8Array([...good, 0]),
    }
    for (const [name, signature] of Object.entries(cases)) {
      const begun = await begin(a)
      const Signatures = {
        ...signAll(a, begun.json.NeedSignatures),
        [String(b.row().id)]: toBase64(signature),
      }
      const reply = await a.tka('init/finish', { Signatures })
      assert.ok(reply.status === 400 || reply.status === 409, `${name}: ${reply.status}`)
      assert.equal(server.tailnet.lock.active, null, name)
      assert.equal(b.row().signature, null, name)
    }
  })

  it('takes direct signatures only', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const old = server.machine('old')
    old.register({ Auth: { AuthKey: server.authKey() }, NLKey: zeroLockPublic })
    const begun = await begin(a)
    const rotation = resignNodeKey({
      nodeKey: nodePublicOf(old.nodeKey),
      old: signNodeKey({
        nodeKey: nodePublicOf(generateNodeKey()),
        rotationPublic: lockPublicOf(old.lockKey),
        signer: a.signer,
      }),
      signer: old.signer,
    })
    const Signatures = {
      ...signAll(a, begun.json.NeedSignatures),
      [String(old.row().id)]: toBase64(rotation),
    }
    const reply = await a.tka('init/finish', { Signatures })
    assert.equal(reply.status, 400)
    assert.match(reply.text, /not a direct signature/)
  })

  it('has one winner when two admins initialise at once', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b', 'admin')]
    const [first, second] = [await begin(a), await begin(b)]
    const replies = await Promise.all([
      a.tka('init/finish', { Signatures: signAll(a, first.json.NeedSignatures) }),
      b.tka('init/finish', { Signatures: signAll(b, second.json.NeedSignatures) }),
    ])
    assert.deepEqual(
      replies.map((reply) => reply.status).sort((x, y) => x - y),
      [200, 409],
    )
    assert.match(replies.find((reply) => reply.status === 409)!.text, /enabled already/)
    assert.ok(await secretValue())
  })
})
