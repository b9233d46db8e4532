// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toBase64 } from '@signet/codec'
import {
  generateLockKey,
  lockPublicBytes,
  lockPublicOf,
  nodePublicBinary,
  nodePublicOf,
} from '@signet/keys'
import { tkaCalls } from '@signet/protocol'
import {
  aumHash,
  aumHashBytes,
  aumHashText,
  AumKind,
  bootstrapAuthority,
  cosignAum,
  createMemoryStore,
  decodeNodeKeySignature,
  EMPTY_AUM,
  encodeAum,
  encodeNodeKeySignature,
  informAuthority,
  makeRecoveryAum,
  openAuthority,
  SigKind,
  signAum,
  signNodeKey,
} from '@signet/tka'
import type { Aum, Key, NodeKeySignature } from '@signet/tka'
import { ControlError } from '../src/errors.ts'
import {
  LOCK_CALL_BYTES,
  MAX_CHAIN_LENGTH,
  MAX_GROWING_CHAIN_LENGTH,
  MAX_LOCK_CALLS_PER_MINUTE,
  MAX_NEW_UPDATE_CALLS_PER_MINUTE,
  MAX_STORED_UPDATES,
  WARN_CHAIN_LENGTH,
} from '../src/limits.ts'
import { createCallLimits } from '../src/lock/call-limits.ts'
import { chainReport } from '../src/lock/chain-length.ts'
import { buildUpdates, lockTailnet, makeGenesis, sendUpdates, trusted } from './support/lock.ts'
import { openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'

describe('lock calls of one machine', () => {
  it('are counted for each call, at the bound and past it, and for each machine alone', () => {
    let now = 0
    const limits = createCallLimits(() => now)
    for (const [name, perMinute] of Object.entries(MAX_LOCK_CALLS_PER_MINUTE)) {
      const { path } = tkaCalls[name as keyof typeof tkaCalls]
      for (let n = 0; n < perMinute; n++) limits.call(path, 'm', 100)
      assert.throws(
        () => limits.call(path, 'm', 100),
        (error) =>
          error instanceof ControlError &&
          error.code === 'rate-limited' &&
          (error.retryAfterSeconds ?? 0) >= 1,
        name,
      )
      limits.call(path, 'other', 100)
    }
    now += 60_000
    for (let n = 0; n < MAX_LOCK_CALLS_PER_MINUTE.bootstrap; n++) {
      limits.call(tkaCalls.bootstrap.path, 'm', 100)
    }
  })

  it('count more with a large body', () => {
    const limits = createCallLimits(() => 0)
    const { path } = tkaCalls.syncSend
    const whole = 10 << 20
    const bodies = Math.floor(MAX_LOCK_CALLS_PER_MINUTE.syncSend / (whole / LOCK_CALL_BYTES))
    for (let n = 0; n < bodies; n++) limits.call(path, 'm', whole)
    assert.throws(() => limits.call(path, 'm', whole))
  })

  it('are refused with 429 on the wire', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a])
    for (let n = 0; n < MAX_LOCK_CALLS_PER_MINUTE.bootstrap; n++) {
      assert.equal((await b.tka('bootstrap', { Head: '' })).status, 200)
    }
    const reply = await b.tka('bootstrap', { Head: '' })
    assert.equal(reply.status, 429)
    assert.equal(reply.text.endsWith('\n'), false)
    assert.equal((await a.tka('bootstrap', { Head: '' })).status, 200)
  })

  it('buy few checks of forged updates; what is known is not counted', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const genesis = await lockTailnet(server, [a])
    const forged = signAum(noOp(genesis), [b.signer])
    for (let n = 0; n < MAX_NEW_UPDATE_CALLS_PER_MINUTE; n++) {
      assert.equal((await sendUpdates(b, [forged], false)).status, 400)
    }
    assert.equal((await sendUpdates(b, [forged], false)).status, 429)
    assert.equal((await sendUpdates(b, [genesis], false)).status, 200)
    assert.equal((await sendUpdates(a, [signAum(noOp(genesis), [a.signer])])).status, 200)
  })

  it('buy few whole chains of valid updates', () => {
    const limits = createCallLimits(() => 0)
    for (let n = 0; n < 3; n++) limits.newUpdates('m', MAX_CHAIN_LENGTH)
    assert.throws(() => limits.newUpdates('m', 1))
  })

  it('leave room for `lock remove` on a large tailnet', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a])
    const Signature = toBase64(
      signNodeKey({
        nodeKey: nodePublicOf(b.nodeKey),
        rotationPublic: lockPublicOf(b.lockKey),
        signer: a.signer,
      }),
    )
    for (let n = 0; n < 1_000; n++) assert.equal((await a.tka('sign', { Signature })).status, 200)
  })
})

function noOp(parent: Aum): Aum {
  return { ...EMPTY_AUM, kind: AumKind.NoOp, prev: aumHashBytes(aumHash(parent)) }
}

/** Updates without effect on top of the head. */
function noOps(server: TestServer, by: Machine, count: number): Aum[] {
  const { authority, aums } = server.tailnet.lock.active!
  let last: Aum = aums.get(authority.head)!
  return Array.from({ length: count }, () => (last = signAum(noOp(last), [by.signer])))
}

/** A checkpoint on top of the head. */
function checkpoint(server: TestServer, by: Machine): Aum {
  const { authority } = server.tailnet.lock.active!
  return signAum(
    {
      ...EMPTY_AUM,
      kind: AumKind.Checkpoint,
      prev: aumHashBytes(authority.head),
      state: { ...authority.state, lastAumHash: null },
    },
    [by.signer],
  )
}

const lengthOf = (server: TestServer): number => server.tailnet.lock.active!.authority.chain.length

describe('the chain', () => {
  it('grows to its bound, then takes removals only, then nothing; official rules open it', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const genesis = await lockTailnet(server, [a])
    const extra = trusted(generateLockKey())
    const [added] = buildUpdates(server, [a], (builder) => builder.addKey(extra))
    assert.equal((await sendUpdates(a, [added!])).status, 200)
    const most = noOps(server, a, WARN_CHAIN_LENGTH - 3)
    assert.equal((await sendUpdates(a, most)).status, 200)
    assert.deepEqual(chainReport(server.tailnet.lock.active).warnings, [])
    assert.equal((await sendUpdates(a, noOps(server, a, 1))).status, 200)
    assert.match(chainReport(server.tailnet.lock.active).warnings[0]!, /1500 of at most 2000/)
    const rest = MAX_GROWING_CHAIN_LENGTH - WARN_CHAIN_LENGTH
    assert.equal((await sendUpdates(a, noOps(server, a, rest + 1))).status, 409)
    assert.equal((await sendUpdates(a, noOps(server, a, rest))).status, 200)
    assert.equal(lengthOf(server), MAX_GROWING_CHAIN_LENGTH)
    const [another] = buildUpdates(server, [a], (builder) =>
      builder.addKey(trusted(generateLockKey())),
    )
    const refused = await sendUpdates(a, [another!])
    assert.equal(refused.status, 409)
    assert.match(refused.text, /removals only.*run init again/)
    const removal = buildUpdates(server, [a], (builder) => builder.removeKey(extra.public!))
    assert.equal((await sendUpdates(a, removal)).status, 200)
    while (lengthOf(server) < MAX_CHAIN_LENGTH) {
      assert.equal((await sendUpdates(a, [checkpoint(server, a)])).status, 200)
      // The pace of a person.
      server.clock.advance(1_000)
    }
    const full = await sendUpdates(a, [checkpoint(server, a)])
    assert.equal(full.status, 409)
    assert.match(full.text, /at most 2000 updates/)

    // Whoever slept since the first update gets all of it in one offer, and opens it after a restart.
    const store = createMemoryStore({ now: () => 0 })
    const asleep = bootstrapAuthority(store, genesis)
    const { aums, authority } = server.tailnet.lock.active!
    const updates = Array.from({ length: MAX_CHAIN_LENGTH - 1 }, (_, n) =>
      aums.get(authority.chain.at(n + 1))!,
    )
    const awake = informAuthority(asleep, store, updates, { officialLimits: true })
    assert.equal(awake.head, authority.head)
    assert.equal(openAuthority(store, { officialLimits: true }).head, authority.head)
    const one = signAum(noOp(updates.at(-1)!), [a.signer])
    informAuthority(awake, store, [one], { officialLimits: true })
    assert.throws(() => openAuthority(store, { officialLimits: true }), {
      code: 'official-limit',
    })
  })
})

describe('branches that lost', () => {
  it('are kept up to a bound, and never keep a recovery out', async () => {
    using server = openTestServer()
    const [a, b, thief] = [server.join('a'), server.join('b'), server.join('thief')]
    const genesis = await lockTailnet(server, [a, b, thief])
    const [winner] = buildUpdates(server, [a], (builder) =>
      builder.addKey(trusted(generateLockKey())),
    )
    assert.equal((await sendUpdates(a, [cosignAum(winner!, b.signer)])).status, 200)
    let last: Aum = genesis
    const branch = (count: number): Aum[] =>
      Array.from({ length: count }, () => (last = signAum(noOp(last), [thief.signer])))
    for (let n = 0; n < 3; n++) {
      const count = n < 2 ? 2_000 : 1_998
      assert.equal((await sendUpdates(thief, branch(count), false)).status, 200)
      server.clock.advance(60_000)
    }
    const past = await sendUpdates(thief, branch(1), false)
    assert.equal(past.status, 409)
    assert.match(past.text, /on a branch that lost/)
    const { authority, aums } = server.tailnet.lock.active!
    assert.equal([...aums.hashes()].length, MAX_STORED_UPDATES)
    const draft = makeRecoveryAum(authority, aums, {
      removeKeys: [thief.signer.keyId],
      ourKey: a.signer.keyId,
      forkFrom: authority.head,
    })
    const recovery = cosignAum(cosignAum(draft, a.signer), b.signer)
    const reply = await sendUpdates(a, [recovery], false, aumHashText(aumHash(recovery)))
    assert.equal(reply.status, 200, reply.text)
    assert.equal(server.tailnet.lock.active!.headText, aumHashText(aumHash(recovery)))
  })
})

describe('keys and values', () => {
  async function begin(a: Machine, changes: Parameters<typeof makeGenesis>[1]): Promise<number> {
    const genesis = await makeGenesis([a], changes)
    return (await a.tka('init/begin', { GenesisAUM: toBase64(encodeAum(genesis)) })).status
  }
  const values = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, n) => new Uint8Array(32).fill(n + 1))

  it('has 32 disablement values at most, and one at least', async () => {
    using server = openTestServer()
    const a = server.join('a')
    assert.equal(await begin(a, { values: values(1) }), 200)
    assert.equal(await begin(a, { values: values(32) }), 200)
    // The rules of the authority keep anybody from signing these; a client without them may try.
    const genesis = await makeGenesis([a])
    for (const wrong of [values(33), [], [...values(1), ...values(1)], [new Uint8Array(31)]]) {
      const state = { ...genesis.state!, disablementValues: wrong }
      const bytes = encodeAum(signAum({ ...genesis, state, signatures: null }, [a.signer]))
      const reply = await a.tka('init/begin', { GenesisAUM: toBase64(bytes) })
      assert.equal(reply.status, 400, reply.text)
      if (wrong.length === 0) assert.match(reply.text, /nobody could ever switch it off/)
    }
  })

  it('has 512 keys: the last one fits, the next one does not', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const keys = [
      trusted(a.lockKey),
      ...Array.from({ length: 510 }, () => trusted(generateLockKey())),
    ]
    await lockTailnet(server, [a], { keys })
    const add = (): Aum =>
      signAum(
        {
          ...EMPTY_AUM,
          kind: AumKind.AddKey,
          prev: aumHashBytes(server.tailnet.lock.active!.authority.head),
          key: trusted(generateLockKey()),
        },
        [a.signer],
      )
    assert.equal((await sendUpdates(a, [add()])).status, 200)
    assert.match((await sendUpdates(a, [add()])).text, /at most 512 keys/)
  })

  it('bounds votes and metadata', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    const meta = (bytes: number): Key['meta'] => new Map([['n', 'x'.repeat(bytes - 1)]])
    const cases: [string, Partial<Key>, number][] = [
      ['4096 votes', { votes: 4096n }, 200],
      ['4097 votes', { votes: 4097n }, 400],
      ['no votes', { votes: 0n }, 400],
      ['512 bytes of metadata', { meta: meta(512) }, 200],
      ['513 bytes of metadata', { meta: meta(513) }, 400],
      ['a key of another kind', { kind: 2 }, 400],
      ['a key of zeros', { public: new Uint8Array(32) }, 400],
      ['the neutral element', { public: new Uint8Array(32).fill(1, 0, 1) }, 400],
    ]
    for (const [name, change, status] of cases) {
      const update = signAum(
        {
          ...EMPTY_AUM,
          kind: AumKind.AddKey,
          prev: aumHashBytes(server.tailnet.lock.active!.authority.head),
          key: { ...trusted(generateLockKey()), ...change },
        },
        [a.signer],
      )
      const reply = await sendUpdates(a, [update])
      assert.equal(reply.status, status, `${name}: ${reply.text}`)
    }
  })

  it('does not begin with a key for which anybody can sign', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const zero: Key = { ...trusted(generateLockKey()), public: new Uint8Array(32) }
    assert.equal(await begin(a, { keys: [trusted(a.lockKey), zero] }), 400)
    assert.equal(server.runtime.lock.pending.size, 0)
  })
})

describe('a wrapping key for which anybody can sign', () => {
  it('is refused at every depth, with the command that helps', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    const b = server.join('b')
    const good = signNodeKey({
      nodeKey: nodePublicOf(b.nodeKey),
      rotationPublic: lockPublicOf(b.lockKey),
      signer: a.signer,
    })
    const before = b.row().signature
    for (const unsafe of [new Uint8Array(32), new Uint8Array(32).fill(1, 0, 1)]) {
      let layer: NodeKeySignature = { ...decodeNodeKeySignature(good), wrappingPubkey: unsafe }
      for (let depth = 1; depth <= 4; depth++) {
        const bytes = encodeNodeKeySignature(layer)
        const reply = await a.tka('sign', { Signature: toBase64(bytes) })
        assert.equal(reply.status, 400)
        assert.match(reply.text, /tailscale lock sign nodekey:[0-9a-f]{64} tlpub:[0-9a-f]{64}$/)
        assert.equal(b.row().signature, before)
        const joined = server.machine('c').register({
          Auth: { AuthKey: server.authKey() },
          NodeKeySignature: encodeNodeKeySignature({
            ...layer,
            pubkey: nodePublicBinary(nodePublicOf(b.nodeKey)),
          }),
          NodeKey: nodePublicOf(server.machine('x').nodeKey),
        })
        assert.notEqual(joined.Error, '')
        layer = {
          ...layer,
          sigKind: SigKind.Rotation,
          keyId: null,
          nested: layer,
          wrappingPubkey: lockPublicBytes(lockPublicOf(b.lockKey)),
        }
      }
    }
  })
})
