// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBase64, toBase64 } from '@signet/codec'
import { generateLockKey } from '@signet/keys'
import {
  aumHash,
  aumHashBytes,
  aumHashText,
  AumKind,
  bootstrapAuthority,
  cosignAum,
  createMemoryStore,
  createUpdateBuilder,
  decodeAum,
  EMPTY_AUM,
  encodeAum,
  hasKey,
  informAuthority,
  makeRecoveryAum,
  signAum,
} from '@signet/tka'
import type { Aum, Authority, AumStore } from '@signet/tka'
import { buildUpdates, lockTailnet, sendUpdates, trusted } from './support/lock.ts'
import { openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'

const headOf = (server: TestServer): string => server.tailnet.lock.active!.headText

/** A node's own copy of the chain. */
function nodeCopy(genesis: Aum): { store: AumStore; authority: Authority } {
  const store = createMemoryStore({ now: () => 0 })
  return { store, authority: bootstrapAuthority(store, genesis) }
}

function addKeys(server: TestServer, by: Machine, count: number): Aum[] {
  return buildUpdates(server, [by], (builder) => {
    for (let n = 0; n < count; n++) builder.addKey(trusted(generateLockKey()))
  })
}

describe('sync/send', () => {
  it('stores what is verified, moves the head, and answers with it', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    const updates = addKeys(server, a, 1)
    const reply = await sendUpdates(a, updates)
    assert.equal(reply.json.Head, aumHashText(aumHash(updates[0]!)))
    assert.equal(headOf(server), reply.json.Head)
    assert.equal(server.tailnet.lock.active!.authority.state.keys!.length, 2)
    const restarted = server.restart()
    assert.equal(headOf(restarted), reply.json.Head)
  })

  it('has one winner when two admins change it at once, and says so to the other', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b', 'admin')]
    await lockTailnet(server, [a, b])
    const [first, second] = [addKeys(server, a, 1), addKeys(server, b, 1)]
    const replies = await Promise.all([sendUpdates(a, first), sendUpdates(b, second)])
    assert.deepEqual(
      replies.map((reply) => reply.status),
      [200, 409],
    )
    assert.match(replies[1].text, /changed by somebody else/)
    assert.equal(headOf(server), aumHashText(aumHash(first[0]!)))
    assert.equal(server.tailnet.lock.active!.aums.has(aumHash(second[0]!)), false)
  })

  it('asks for signatures and not for a role, but not of nodes whose key has expired', async () => {
    using server = openTestServer()
    const [a, member] = [server.join('a'), server.join('m', 'member')]
    await lockTailnet(server, [a])
    assert.equal((await sendUpdates(member, addKeys(server, a, 1))).status, 200)
    const updates = addKeys(server, a, 1)
    member.register({ Expiry: new Date(123_000).toISOString() })
    assert.equal((await sendUpdates(member, updates)).status, 403)
    assert.equal((await sendUpdates(member, updates, false)).status, 200)
  })

  it('skips what it has without reading it', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const genesis = await lockTailnet(server, [a])
    const updates = addKeys(server, a, 2)
    await sendUpdates(a, updates)
    const head = headOf(server)
    assert.equal((await sendUpdates(a, [genesis, ...updates], false)).json.Head, head)
    assert.equal((await sendUpdates(a, [], false)).json.Head, head)
  })

  it('refuses what does not verify, and stores nothing of the batch', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const genesis = await lockTailnet(server, [a])
    const [good] = addKeys(server, a, 1)
    const prev = aumHashBytes(aumHash(genesis))
    const after = aumHashBytes(aumHash(good!))
    const stranger = server.join('b').signer
    const addKey = { ...EMPTY_AUM, kind: AumKind.AddKey, key: trusted(generateLockKey()) }
    const signed = signAum({ ...addKey, prev: after }, [a.signer])
    const { state } = server.tailnet.lock.active!.authority
    const checkpoint = { ...EMPTY_AUM, kind: AumKind.Checkpoint, prev: after }
    const now = { ...state, lastAumHash: null, keys: [...state.keys!, good!.key!] }
    const sign = (aum: Aum): Uint8Array => encodeAum(signAum(aum, [a.signer]))
    const cases: Record<string, [bytes: Uint8Array, status: number]> = {
      garbage: [new Uint8Array([1, 2, 3]), 400],
      'a byte too many': [new Uint8Array([...encodeAum(signed), 0]), 400],
      'no signature': [encodeAum({ ...signed, signatures: null }), 400],
      'a stranger as signer': [encodeAum(signAum({ ...addKey, prev: after }, [stranger])), 400],
      'one good and one bad signature': [
        encodeAum({
          ...signed,
          signatures: [
            ...signed.signatures!,
            { keyId: good!.key!.public, signature: new Uint8Array(64) },
          ],
        }),
        400,
      ],
      'an unknown parent': [sign({ ...addKey, prev: new Uint8Array(32).fill(9) }), 400],
      'no parent': [sign(addKey), 400],
      'a key that is there': [sign({ ...addKey, prev: after, key: good!.key }), 400],
      'removal of an unknown key': [
        sign({ ...EMPTY_AUM, kind: AumKind.RemoveKey, prev: after, keyId: new Uint8Array(32) }),
        400,
      ],
      'a key of 31 bytes': [
        sign({ ...addKey, prev: after, key: { ...addKey.key, public: new Uint8Array(31) } }),
        400,
      ],
      'too many votes': [
        sign({ ...addKey, prev: after, key: { ...addKey.key, votes: 4097n } }),
        400,
      ],
      'a checkpoint that changes who may end the lock': [
        sign({ ...checkpoint, state: { ...now, disablementValues: [new Uint8Array(32)] } }),
        403,
      ],
      'a checkpoint that adds a key': [
        sign({ ...checkpoint, state: { ...now, keys: [...now.keys, trusted(generateLockKey())] } }),
        403,
      ],
      'a checkpoint that changes votes': [
        sign({
          ...checkpoint,
          state: { ...now, keys: [{ ...now.keys[0]!, votes: 2n }, now.keys[1]!] },
        }),
        403,
      ],
      'a checkpoint of another authority': [
        sign({ ...checkpoint, state: { ...now, stateId1: 1n } }),
        400,
      ],
    }
    for (const [name, [bytes, status]] of Object.entries(cases)) {
      const reply = await a.tka('sync/send', {
        Head: '',
        MissingAUMs: [toBase64(encodeAum(good!)), toBase64(bytes)],
        Interactive: true,
      })
      assert.equal(reply.status, status, `${name}: ${reply.text}`)
      assert.equal(headOf(server), aumHashText(aumHash(genesis)), name)
      assert.equal(server.store.aums(server.tailnet.lock.active!.row.id).length, 1, name)
    }
    assert.ok(prev)
    const fine = await a.tka('sync/send', {
      Head: '',
      MissingAUMs: [toBase64(encodeAum(good!)), toBase64(sign({ ...checkpoint, state: now }))],
      Interactive: true,
    })
    assert.equal(fine.status, 200, fine.text)
  })

  it('takes the checkpoints that clients make by themselves', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    for (let round = 0; round < 3; round++) {
      assert.equal((await sendUpdates(a, addKeys(server, a, 30))).status, 200)
    }
    const { chain } = server.tailnet.lock.active!.authority
    assert.ok(chain.checkpointAtOrBelow(chain.length - 1)! > 0)
  })

  it('refuses the 513th key', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const keys = [
      trusted(a.lockKey),
      ...Array.from({ length: 511 }, () => trusted(generateLockKey())),
    ]
    await lockTailnet(server, [a], { keys })
    const { active } = server.tailnet.lock
    const update = signAum(
      {
        ...EMPTY_AUM,
        kind: AumKind.AddKey,
        prev: aumHashBytes(active!.authority.head),
        key: trusted(generateLockKey()),
      },
      [a.signer],
    )
    const reply = await sendUpdates(a, [update])
    assert.equal(reply.status, 409)
    assert.match(reply.text, /at most 512 keys/)
  })

  it('takes back from a node what it lost with an old backup', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const genesis = await lockTailnet(server, [a])
    const updates = addKeys(server, a, 3)
    // The node has three updates that the server has never seen (again).
    const member = server.join('m', 'member')
    const offered = await member.tka('sync/offer', {
      Head: aumHashText(aumHash(updates.at(-1)!)),
      Ancestors: [aumHashText(aumHash(genesis))],
    })
    assert.equal(offered.status, 200)
    assert.deepEqual(offered.json.MissingAUMs, [])
    assert.equal(
      (await sendUpdates(member, updates, false)).json.Head,
      aumHashText(aumHash(updates.at(-1)!)),
    )
  })
})

describe('sync/send of a known update by another name', () => {
  it('is refused, whoever sends it: it could win over what it copies and undo what followed', async () => {
    using server = openTestServer()
    const [a, b, thief] = [server.join('a'), server.join('b'), server.join('thief', 'member')]
    await lockTailnet(server, [a, b])
    const gone = trusted(generateLockKey())
    const [add] = buildUpdates(server, [a, b], (builder) => builder.addKey(gone))
    assert.equal((await sendUpdates(a, [add!])).status, 200)
    const removal = buildUpdates(server, [a], (builder) => builder.removeKey(gone.public!))
    assert.equal((await sendUpdates(a, removal)).status, 200)
    const head = headOf(server)
    const [first, second] = add!.signatures!
    const renamed = {
      'one signature twice': [first!, second!, first!],
      'signatures turned around': [second!, first!],
      'a signature left out': [first!],
      'the other signature left out': [second!],
    }
    for (const [name, signatures] of Object.entries(renamed)) {
      for (const interactive of [false, true]) {
        const reply = await sendUpdates(thief, [{ ...add!, signatures }], interactive)
        assert.ok(reply.status >= 400 && reply.status < 500, `${name}: ${reply.text}`)
      }
      assert.equal(headOf(server), head, name)
      assert.equal(server.store.aums(server.tailnet.lock.active!.row.id).length, 3, name)
    }
  })

  it('is taken with more signatures, which is how a recovery gathers votes', async () => {
    using server = openTestServer()
    const [a, b, c] = [server.join('a'), server.join('b'), server.join('c')]
    await lockTailnet(server, [a, b, c])
    const [add] = buildUpdates(server, [a], (builder) => builder.addKey(trusted(generateLockKey())))
    assert.equal((await sendUpdates(a, [add!])).status, 200)
    const two = cosignAum(add!, b.signer)
    assert.equal((await sendUpdates(a, [two], false)).status, 200)
    assert.equal(headOf(server), aumHashText(aumHash(two)))
    const { signatures } = cosignAum(add!, c.signer)
    const others = { ...add!, signatures: signatures! }
    assert.equal((await sendUpdates(a, [others], false)).status, 403)
    // Both in one message: the second is measured against the first.
    const three = cosignAum(two, c.signer)
    const turned = { ...three, signatures: three.signatures!.toReversed() }
    assert.equal((await sendUpdates(a, [three, turned], false)).status, 403)
    assert.equal(headOf(server), aumHashText(aumHash(two)))
    assert.equal((await sendUpdates(a, [three], false)).status, 200)
  })
})

describe('sync/send that undoes what is in force', () => {
  /** An update on the genesis, signed by these, that wins over another by its hash if weights are equal. */
  function rival(genesis: Aum, over: Aum, signers: readonly Machine[]): Aum {
    for (;;) {
      const aum = signAum(
        {
          ...EMPTY_AUM,
          kind: AumKind.AddKey,
          prev: aumHashBytes(aumHash(genesis)),
          key: trusted(generateLockKey()),
        },
        signers.map((machine) => machine.signer),
      )
      if (aumHash(aum) < aumHash(over)) return aum
    }
  }

  async function withRemovedThief() {
    const server = openTestServer()
    const [a, b, thief] = [server.join('a'), server.join('b'), server.join('thief')]
    const genesis = await lockTailnet(server, [a, b, thief])
    const [first] = addKeys(server, a, 1)
    assert.equal((await sendUpdates(a, [first!])).status, 200)
    const removal = buildUpdates(server, [a], (builder) => builder.removeKey(thief.signer.keyId))
    assert.equal((await sendUpdates(a, removal)).status, 200)
    return { server, a, b, thief, genesis, first: first! }
  }

  it('is refused when a signer is no longer trusted and the votes are no more', async () => {
    const { server, thief, genesis, first } = await withRemovedThief()
    using _ = server
    const head = headOf(server)
    const reply = await sendUpdates(thief, [rival(genesis, first, [thief])], false)
    assert.equal(reply.status, 403, reply.text)
    assert.match(reply.text, /no longer trusted/)
    assert.equal(headOf(server), head)
    assert.equal(server.store.aums(server.tailnet.lock.active!.row.id).length, 3)
  })

  it('is refused when a removed key adds its vote to what others have signed', async () => {
    const { server, thief, first } = await withRemovedThief()
    using _ = server
    const head = headOf(server)
    const heavier = cosignAum(first, thief.signer)
    const reply = await sendUpdates(thief, [heavier], false)
    assert.equal(reply.status, 403, reply.text)
    assert.equal(headOf(server), head)
  })

  it('is taken from keys that are trusted, so that servers and nodes agree after a backup', async () => {
    const { server, b, genesis, first } = await withRemovedThief()
    using _ = server
    const winner = rival(genesis, first, [b])
    assert.equal((await sendUpdates(b, [winner], false)).status, 200)
    assert.equal(headOf(server), aumHashText(aumHash(winner)))
  })

  it('is taken with more votes, from keys that were removed too: a recovery from a thief', async () => {
    using server = openTestServer()
    const [a, b, thief] = [server.join('a'), server.join('b'), server.join('thief')]
    const genesis = await lockTailnet(server, [a, b, thief])
    const removals = buildUpdates(server, [thief], (builder) => {
      builder.removeKey(a.signer.keyId)
      builder.removeKey(b.signer.keyId)
    })
    assert.equal((await sendUpdates(thief, removals)).status, 200)
    const head = headOf(server)
    assert.equal(
      (await sendUpdates(a, [rival(genesis, removals[0]!, [a, b])], false)).status,
      403,
      'no recovery, but what may have been signed for another end',
    )
    assert.equal(headOf(server), head)
    const { state } = genesis
    const winner = cosignAum(
      signAum(
        {
          ...EMPTY_AUM,
          kind: AumKind.Checkpoint,
          prev: aumHashBytes(aumHash(genesis)),
          state: {
            ...state!,
            keys: state!.keys!.filter(
              ({ public: key }) => toBase64(key!) !== toBase64(thief.signer.keyId),
            ),
          },
        },
        [a.signer],
      ),
      b.signer,
    )
    assert.equal((await sendUpdates(a, [winner], false)).status, 200)
    assert.equal(headOf(server), aumHashText(aumHash(winner)))
  })
})

describe('sync/send of a revocation', () => {
  async function withThief() {
    const server = openTestServer()
    const [a, b, thief] = [server.join('a'), server.join('b'), server.join('thief')]
    const genesis = await lockTailnet(server, [a, b, thief])
    await sendUpdates(thief, addKeys(server, thief, 1))
    const stolen = headOf(server)
    const { authority, aums } = server.tailnet.lock.active!
    const draft = makeRecoveryAum(authority, aums, {
      removeKeys: [thief.signer.keyId],
      ourKey: a.signer.keyId,
      forkFrom: aumHash(genesis),
    })
    return { server, a, b, thief, stolen, once: cosignAum(draft, a.signer) }
  }

  it('is refused and not kept while too few have signed it', async () => {
    const { server, a, stolen, once } = await withThief()
    using _ = server
    const reply = await sendUpdates(a, [once], false, aumHashText(aumHash(once)))
    // One vote each: the lower hash wins, so it may win by chance.
    if (reply.status === 200) {
      assert.equal(headOf(server), aumHashText(aumHash(once)))
      return
    }
    assert.equal(reply.status, 409)
    assert.match(reply.text, /too few signatures/)
    assert.equal(headOf(server), stolen)
    assert.equal(server.tailnet.lock.active!.aums.has(aumHash(once)), false)
  })

  it('wins with two votes against one, takes the key out, and locks out whom it signed', async () => {
    const { server, a, b, thief, once } = await withThief()
    using _ = server
    const revocation = cosignAum(once, b.signer)
    const reply = await sendUpdates(a, [revocation], false, aumHashText(aumHash(revocation)))
    assert.equal(reply.status, 200, reply.text)
    assert.equal(headOf(server), aumHashText(aumHash(revocation)))
    assert.equal(hasKey(server.tailnet.lock.active!.authority.state, thief.signer.keyId), false)
    // A node on the losing branch sends what it has: known, and skipped.
    const lost = [...server.tailnet.lock.active!.aums.hashes()].map((hash) =>
      server.tailnet.lock.active!.aums.get(hash)!,
    )
    assert.equal((await sendUpdates(thief, lost, false)).json.Head, headOf(server))
    assert.equal(headOf(server.restart()), aumHashText(aumHash(revocation)))
  })
})

describe('sync/offer', () => {
  it('sends what follows, and names the head of whoever is merely behind first', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const genesis = await lockTailnet(server, [a])
    const updates = addKeys(server, a, 3)
    await sendUpdates(a, updates)
    const mine = aumHashText(aumHash(updates[0]!))
    const reply = await a.tka('sync/offer', {
      Head: mine,
      Ancestors: [aumHashText(aumHash(genesis))],
    })
    assert.equal(reply.json.Head, headOf(server))
    assert.equal(reply.json.Ancestors[0], mine)
    assert.equal(reply.json.Ancestors.at(-1), aumHashText(aumHash(genesis)))
    const node = nodeCopy(genesis)
    const authority = informAuthority(node.authority, node.store, [
      updates[0]!,
      ...reply.json.MissingAUMs.map((text: string) => decodeAum(fromBase64(text))),
    ])
    assert.equal(aumHashText(authority.head), headOf(server))
    const current = await a.tka('sync/offer', { Head: headOf(server), Ancestors: [] })
    assert.deepEqual(current.json.MissingAUMs, [])
  })

  it('tells a node of an unrelated authority, and one that sends no hashes', async () => {
    using server = openTestServer()
    const a = server.join('a')
    assert.equal((await a.tka('sync/offer', { Head: '', Ancestors: [] })).status, 404)
    await lockTailnet(server, [a])
    const alien = aumHashText(aumHash(EMPTY_AUM))
    assert.equal((await a.tka('sync/offer', { Head: alien, Ancestors: [alien] })).status, 409)
    assert.equal((await a.tka('sync/offer', { Head: 'x', Ancestors: [] })).status, 400)
    assert.equal((await a.tka('sync/offer', { Head: alien, Ancestors: ['x'] })).status, 400)
    assert.equal(
      (await a.tka('sync/offer', { Head: alien, Ancestors: Array(5_000).fill(alien) })).status,
      400,
    )
    assert.ok(createUpdateBuilder)
  })
})

describe('the caller of a lock call', () => {
  it('is a node of the machine at the other end, on every path', async () => {
    using server = openTestServer()
    const [a, thief] = [server.join('a'), server.join('thief')]
    await lockTailnet(server, [a])
    const own = thief.nodeKey
    const paths = [
      'init/begin',
      'init/finish',
      'bootstrap',
      'sync/offer',
      'sync/send',
      'disable',
      'sign',
      'affected-sigs',
    ]
    for (const path of paths) {
      thief.nodeKey = a.nodeKey
      assert.equal((await thief.tka(path)).status, 401, path)
      thief.nodeKey = own
      const stranger = server.machine('stranger')
      assert.equal((await stranger.tka(path)).status, 404, path)
    }
  })

  it('may be locked out', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    const out = server.join('out', 'member')
    assert.equal((await out.tka('bootstrap', { Head: '' })).status, 200)
    assert.equal(
      (await out.tka('sync/offer', { Head: headOf(server), Ancestors: [headOf(server)] })).status,
      200,
    )
  })
})
