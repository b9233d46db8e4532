// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import test from 'node:test'
import { createFakeClock, type FakeClock } from '@signet/testkit'
import {
  aumHash,
  aumHashText,
  cosignAum,
  createUpdateBuilder,
  encodeAum,
  parseAumHash,
  signAum,
  type Aum,
  type AumHash,
} from '@signet/tka'
import { NodeError } from '../src/errors.ts'
import { createLockKeeper, type LockKeeper } from '../src/lock/keeper.ts'
import { gateLock } from '../src/lock/lock-state.ts'
import { createSecretGuard } from '../src/lock/secret-guard.ts'
import { createLockSync, type LockSync } from '../src/lock/sync.ts'
import { takeUpdates } from '../src/lock/take-updates.ts'
import { silentLog } from '../src/log.ts'
import { openStateFile, type StateFile } from '../src/state-file.ts'
import { secret, secretValue, testGenesis, testSigner } from './support/lock-fixture.ts'
import { createLockServer, type LockServer } from './support/lock-server.ts'
import { createMemoryFiles } from './support/memory-files.ts'

const admin = testSigner(2n)
const second = testSigner()
const genesis = testGenesis([admin, second], 1n, await secretValue())

type World = {
  readonly server: LockServer
  readonly keeper: LockKeeper
  readonly sync: LockSync
  readonly clock: FakeClock
  readonly stateFile: StateFile
  /** Hears the server's present head, and waits until the attempt is over. */
  hear(isFirst?: boolean): Promise<void>
  head(): AumHash
}

function world(server: LockServer = createLockServer(genesis)): World {
  const clock = createFakeClock()
  const files = createMemoryFiles()
  const stateFile = openStateFile(files, '/state')
  const keeper = createLockKeeper({ stateFile, files, directory: '/state/lock', now: clock.now })
  const sync = createLockSync({
    keeper,
    rpc: server.rpc,
    guard: createSecretGuard(clock.now),
    clock,
    random: () => 0.5,
    log: silentLog,
  })
  return {
    server,
    keeper,
    sync,
    clock,
    stateFile,
    async hear(isFirst = false) {
      sync.observe({ Head: server.head() }, isFirst)
      await sync.idle()
    },
    head: () => keeper.require().authority.head,
  }
}

async function lockedWorld(server?: LockServer): Promise<World> {
  const w = world(server)
  await w.hear(true)
  assert.equal(w.keeper.state().kind, 'on')
  w.server.calls.length = 0
  return w
}

const addSomeKey = (server: LockServer): readonly Aum[] =>
  server.change(admin, (builder) => builder.addKey(testSigner().key))

test('a lock that is announced is fetched, verified and in force', async () => {
  const w = world()
  addSomeKey(w.server)
  await w.hear(true)
  assert.equal(aumHashText(w.head()), w.server.head())
  assert.deepEqual(w.server.calls, ['bootstrap', 'offer', 'send'])
})

test('equal heads cost no call', async () => {
  const w = await lockedWorld()
  await w.hear()
  await w.hear(true)
  assert.deepEqual(w.server.calls, [])
})

test('a new head is fetched and verified', async () => {
  const w = await lockedWorld()
  addSomeKey(w.server)
  await w.hear()
  assert.equal(aumHashText(w.head()), w.server.head())
  assert.deepEqual(w.server.calls, ['offer', 'send'])
  assert.deepEqual(w.sync.warnings(), [])
})

test('silence later in a stream changes nothing', async () => {
  const w = await lockedWorld()
  w.sync.observe(undefined, false)
  await w.sync.idle()
  assert.deepEqual(w.server.calls, [])
})

test('no lock and none announced: nothing is asked', async () => {
  const w = world()
  for (const info of [undefined, { Disabled: true }, { Head: 'nonsense' }]) {
    w.sync.observe(info, true)
    await w.sync.idle()
  }
  assert.deepEqual(w.server.calls, [])
  assert.equal(w.keeper.state().kind, 'off')
})

// What a server may try with a node that is locked. Each ends with the same authority in force.
const liesAboutTheEnd = [
  ['says that the lock is off', { Disabled: true }],
  ['Q56: leaves the lock out of a first message', undefined],
  ['Q55: names a head that cannot be read', { Head: 'nonsense' }],
] as const
for (const [name, info] of liesAboutTheEnd) {
  test(`a server that ${name} ends nothing without the secret`, async () => {
    const w = await lockedWorld()
    w.sync.observe(info, true)
    await w.sync.idle()
    assert.equal(w.head(), aumHash(genesis))
    assert.match(w.sync.warnings()[0] ?? '', /shows no secret/)
    assert.deepEqual(w.server.calls, ['bootstrap', 'offer'])
  })

  test(`a server that ${name} ends the lock with the right secret`, async () => {
    const w = await lockedWorld(createLockServer(genesis, secret))
    w.sync.observe(info, true)
    await w.sync.idle()
    assert.equal(w.keeper.state().kind, 'off')
    assert.equal(w.stateFile.get().wasLocked, null)
    assert.deepEqual(w.sync.warnings(), [])
  })
}

test('Q54: a wrong secret, 100 times, ends nothing, is computed once, and does not stop updates', async () => {
  const w = await lockedWorld(createLockServer(genesis, new Uint8Array(32)))
  for (let i = 0; i < 100; i++) {
    w.sync.observe({ Disabled: true }, false)
    await w.sync.idle()
    await w.hear()
  }
  assert.equal(w.keeper.state().kind, 'on')
  addSomeKey(w.server)
  w.sync.observe({ Disabled: true }, false)
  await w.sync.idle()
  assert.equal(aumHashText(w.head()), w.server.head())
  assert.match(w.sync.warnings()[0] ?? '', /a secret that is wrong/)
})

test('Q54: ever new wrong secrets cost a few computations, then waiting', async () => {
  let computed = 0
  let now = 0
  const guard = createSecretGuard(() => now)
  const attempt = (n: number): Promise<boolean> =>
    guard.matches('state', Uint8Array.of(n), () => {
      computed++
      return Promise.resolve(n === 99)
    })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, n) => n).map((n) => attempt(n)),
  )
  assert.equal(computed, 1)
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 49)
  for (let n = 0; n < 50; n++) await attempt(n).catch(() => undefined)
  assert.equal(computed, 3)
  await assert.rejects(attempt(99), { code: 'lock-rate-limited' })
  now += 20_000
  assert.equal(await attempt(99), true)
})

test('Q63: the secrets are those of the head, not those of the first update', async () => {
  const w = await lockedWorld(createLockServer(genesis, secret))
  const { state, head } = w.keeper.require().authority
  const changed = { ...state, lastAumHash: null, disablementValues: [new Uint8Array(32).fill(3)] }
  const { signAum, EMPTY_AUM, AumKind, aumHashBytes } = await import('@signet/tka')
  const checkpoint = signAum(
    { ...EMPTY_AUM, kind: AumKind.Checkpoint, prev: aumHashBytes(head), state: changed },
    [admin.signer],
  )
  w.server.take([checkpoint])
  await w.hear()
  w.sync.observe({ Disabled: true }, false)
  await w.sync.idle()
  assert.equal(w.keeper.state().kind, 'on')
})

test('a server that goes back to an old head takes nobody back, and is sent what it lacks', async () => {
  const w = await lockedWorld()
  const aums = addSomeKey(w.server)
  await w.hear()
  const rolledBack = createLockServer(genesis)
  Object.assign(w.server.lies, {
    syncOffer: rolledBack.rpc.syncOffer,
    syncSend: rolledBack.rpc.syncSend,
  })
  w.sync.observe({ Head: rolledBack.head() }, false)
  await w.sync.idle()
  assert.equal(w.head(), aumHash(aums[0]!))
  assert.deepEqual(rolledBack.received.map(aumHash), aums.map(aumHash))
})

test('a server with another lock changes nothing and is told about', async () => {
  const w = await lockedWorld()
  const other = createLockServer(testGenesis([testSigner()], 7n))
  Object.assign(w.server.lies, {
    syncOffer: other.rpc.syncOffer,
    syncSend: () => Promise.resolve(other.head()),
  })
  w.sync.observe({ Head: other.head() }, false)
  await w.sync.idle()
  assert.equal(w.head(), aumHash(genesis))
  assert.match(w.sync.warnings()[0] ?? '', /no update in common/)
})

test('a server that invents a trusted key is not followed', async () => {
  const w = await lockedWorld()
  const thief = testSigner()
  const builder = createUpdateBuilder(w.keeper.require().authority, [thief.signer])
  builder.addKey(thief.key)
  const forged = builder.finish()
  const [invented] = forged
  w.server.lies.syncOffer = () =>
    Promise.resolve({
      offer: { head: aumHashText(aumHash(invented!)), ancestors: [w.server.head()] },
      missing: forged.map((aum) => encodeAum(aum)),
    })
  w.sync.observe({ Head: aumHashText(aumHash(invented!)) }, false)
  await w.sync.idle()
  assert.equal(w.head(), aumHash(genesis))
  assert.match(w.sync.warnings()[0] ?? '', /do not verify/)
})

for (const [name, junk] of [
  ['garbage', Uint8Array.of(1, 2, 3)],
  ['nothing', new Uint8Array()],
  ['an update of another lock', encodeAum(testGenesis([testSigner()], 8n))],
] as const) {
  test(`${name} among the updates does not keep out the good ones`, async () => {
    const w = await lockedWorld()
    addSomeKey(w.server)
    addSomeKey(w.server)
    w.server.lies.syncOffer = async (offer) => {
      delete w.server.lies.syncOffer
      const honest = await w.server.rpc.syncOffer(offer)
      return { ...honest, missing: [junk, ...honest.missing, junk] }
    }
    await w.hear()
    assert.equal(aumHashText(w.head()), w.server.head())
  })
}

test('takeUpdates() stores good updates in few steps, whatever is among them', () => {
  const server = createLockServer(genesis)
  const encoded: Uint8Array[] = []
  for (let i = 0; i < 300; i++) {
    encoded.push(...addSomeKey(server).map((aum) => encodeAum(aum)))
    if (i === 100) encoded.push(encodeAum(testGenesis([testSigner()], 8n)))
  }
  const w = world()
  w.keeper.begin(genesis)
  let stored = 0
  w.keeper.onChange(() => stored++)
  assert.equal(takeUpdates(w.keeper, encoded).refused, 1)
  assert.equal(aumHashText(w.head()), server.head())
  assert.ok(stored < 20, String(stored))
})

test('takeUpdates() does not look at what follows many forgeries', () => {
  const server = createLockServer(genesis)
  const [good] = addSomeKey(server)
  const [signature] = good!.signatures ?? []
  const forged = Array.from({ length: 50 }, (_, n) =>
    encodeAum({
      ...good!,
      signatures: [{ ...signature!, signature: new Uint8Array(64).fill(n % 16) }],
    }),
  )
  let asked = 0
  const w = world()
  w.keeper.begin(genesis)
  const counting = {
    inform(aums: readonly Aum[]) {
      asked++
      return w.keeper.inform(aums)
    },
  }
  assert.equal(takeUpdates(counting, forged).refused, 50)
  assert.ok(asked < 60, String(asked))
  assert.equal(w.head(), aumHash(genesis))
})

test('takeUpdates() does not look at what follows many updates that would undo history', () => {
  const server = createLockServer(genesis)
  const w = world(server)
  w.keeper.begin(genesis)
  const [add] = addSomeKey(server)
  const removal = server.change(admin, (builder) => builder.removeKey(second.signer.keyId))
  const { head } = w.keeper.inform([add!, ...removal])
  const stolen = Array.from({ length: 50 }, () =>
    encodeAum(
      signAum({ ...add!, key: testSigner(5n).key, signatures: null }, [
        admin.signer,
        second.signer,
      ]),
    ),
  )
  let asked = 0
  const counting = {
    inform(aums: readonly Aum[]) {
      asked++
      return w.keeper.inform(aums)
    },
  }
  assert.deepEqual(takeUpdates(counting, stolen), { refused: 50, undoing: 'removed-signer' })
  assert.ok(asked < 60, String(asked))
  assert.equal(w.head(), head)
})

test('an update that would undo history is a warning for as long as the server sends it', async () => {
  const w = await lockedWorld()
  const [add] = addSomeKey(w.server)
  w.server.change(admin, (builder) => builder.removeKey(second.signer.keyId))
  await w.hear()
  const heavier = cosignAum(add!, second.signer)
  w.server.lies.syncOffer = () =>
    Promise.resolve({
      offer: { head: aumHashText(aumHash(heavier)), ancestors: [aumHashText(aumHash(genesis))] },
      missing: [encodeAum(heavier)],
    })
  w.sync.observe({ Head: aumHashText(aumHash(heavier)) }, false)
  await w.sync.idle()
  assert.match(w.sync.warnings().join(), /would undo the history of the lock/)
  assert.equal(aumHashText(w.head()), w.server.head())
  delete w.server.lies.syncOffer
  await w.hear()
  assert.deepEqual(w.sync.warnings(), [])
})

test('a node that was shown another name of an update comes back with the next one', async () => {
  const draft = addSomeKey(createLockServer(genesis))[0]!
  const [name, other] = [
    [admin, second],
    [second, admin],
  ]
    .map((by) =>
      signAum(
        { ...draft, signatures: null },
        by.map(({ signer }) => signer),
      ),
    )
    .toSorted((a, b) => (aumHash(a) < aumHash(b) ? 1 : -1))
  const w = await lockedWorld()
  w.keeper.inform([other!])
  w.server.take([name!])
  // Our server takes no other names, of whatever has followed them.
  w.server.lies.syncSend = () =>
    Promise.reject(new NodeError('control-refused', 'This server has this update already'))
  await w.hear()
  assert.equal(w.head(), aumHash(other!))
  assert.notDeepEqual(w.sync.warnings(), [])
  addSomeKey(w.server)
  await w.hear()
  assert.equal(aumHashText(w.head()), w.server.head())
  await w.clock.advanceAsync(60_000)
  assert.deepEqual(w.sync.warnings(), [])
})

test('updates of a branch that loses are kept, and lead nowhere', async () => {
  const w = await lockedWorld()
  const light = createUpdateBuilder(w.keeper.require().authority, [second.signer])
  light.addKey(testSigner().key)
  const loser = light.finish()
  addSomeKey(w.server)
  await w.hear()
  const head = w.head()
  w.server.lies.syncOffer = () =>
    Promise.resolve({
      offer: { head: aumHashText(aumHash(loser[0]!)), ancestors: [aumHashText(aumHash(genesis))] },
      missing: loser.map((aum) => encodeAum(aum)),
    })
  w.sync.observe({ Head: aumHashText(aumHash(loser[0]!)) }, false)
  await w.sync.idle()
  assert.equal(w.head(), head)
  assert.ok(w.keeper.require().store.has(aumHash(loser[0]!)))
})

test('our branch reaches the server even when its branch wins', async () => {
  const w = await lockedWorld()
  const ours = createUpdateBuilder(w.keeper.require().authority, [second.signer])
  ours.addKey(testSigner().key)
  const update = ours.finish()
  w.keeper.inform(update)
  const theirs = addSomeKey(w.server)
  await w.hear()
  assert.equal(w.head(), aumHash(theirs[0]!))
  assert.deepEqual(w.server.received.map(aumHash), [aumHash(update[0]!)])
})

test('a head that differs for ten minutes is an alarm', async () => {
  const w = await lockedWorld()
  const withheld = aumHashText('11'.repeat(32) as AumHash)
  w.server.lies.syncOffer = () =>
    Promise.resolve({ offer: { head: aumHashText(aumHash(genesis)), ancestors: [] }, missing: [] })
  w.sync.observe({ Head: withheld }, false)
  await w.sync.idle()
  assert.equal(
    w.sync.warnings().some((text) => text.includes('withhold')),
    false,
  )
  await w.clock.advanceAsync(10 * 60_000)
  assert.equal(
    w.sync.warnings().some((text) => text.includes('withhold')),
    true,
  )
  await w.hear()
  assert.deepEqual(w.sync.warnings(), [])
})

for (const call of ['syncOffer', 'syncSend'] as const) {
  test(`Q57: while ${call} fails the authority stays in force, and it is tried again`, async () => {
    const w = await lockedWorld()
    addSomeKey(w.server)
    const fails = (): Promise<never> => Promise.reject(new Error('request returned (500): broken'))
    w.server.lies[call] = fails
    await w.hear()
    assert.equal(w.keeper.state().kind, 'on')
    assert.match(w.sync.warnings()[0] ?? '', /broken/)
    delete w.server.lies[call]
    await w.clock.advanceAsync(1_000)
    await w.sync.idle()
    assert.equal(aumHashText(w.head()), w.server.head())
    assert.deepEqual(w.sync.warnings(), [])
  })
}

test('failures are tried again ever more slowly, and not at all after close()', async () => {
  const w = await lockedWorld()
  addSomeKey(w.server)
  w.server.lies.syncOffer = () => Promise.reject(new Error('no'))
  await w.hear()
  await w.clock.advanceAsync(10_000)
  const early = w.server.calls.length
  assert.ok(early > 2 && early < 8, String(early))
  await w.clock.advanceAsync(60 * 60_000)
  assert.ok(w.server.calls.length - early < 140)
  w.sync.close()
  const after = w.server.calls.length
  await w.clock.advanceAsync(60_000)
  assert.equal(w.server.calls.length, after)
})

for (const [name, answer] of [
  ['does not show it', { genesis: null, disablementSecret: null }],
  ['shows garbage', { genesis: Uint8Array.of(9), disablementSecret: null }],
] as const) {
  test(`a server that announces a lock and ${name} is asked again`, async () => {
    const w = world()
    w.server.lies.bootstrap = () => Promise.resolve(answer)
    await w.hear(true)
    assert.equal(w.keeper.state().kind, 'off')
    assert.notEqual(w.sync.warnings().length, 0)
    delete w.server.lies.bootstrap
    await w.clock.advanceAsync(1_000)
    await w.sync.idle()
    assert.equal(w.keeper.state().kind, 'on')
  })
}

test('a pinned node takes no other lock, and lets nobody in', async () => {
  const w = world(createLockServer(testGenesis([testSigner()], 7n)))
  w.keeper.pin(aumHashText(aumHash(genesis)).slice(0, 30))
  await w.hear(true)
  assert.equal(gateLock(w.keeper.state()).kind, 'closed')
  assert.match(w.sync.warnings()[0] ?? '', /not the pinned one/)
  w.sync.observe({ Disabled: true }, false)
  await w.sync.idle()
  assert.equal(gateLock(w.keeper.state()).kind, 'closed')
})

test('a node that left a lock is not asked back into it, but may enter another', async () => {
  const w = await lockedWorld()
  w.keeper.leave()
  addSomeKey(w.server)
  await w.hear()
  await w.clock.advanceAsync(60_000)
  assert.equal(w.keeper.state().kind, 'left')
  assert.deepEqual(w.server.calls, ['bootstrap'])
  assert.deepEqual(w.sync.warnings(), [])
  const other = createLockServer(testGenesis([admin], 7n))
  Object.assign(w.server.lies, other.rpc)
  w.sync.observe({ Head: other.head() }, false)
  await w.sync.idle()
  assert.equal(w.keeper.require().authority.stateId, '7:2')
})

test('Q53: leaving while an answer is on its way neither crashes nor brings the lock back', async () => {
  const w = await lockedWorld()
  addSomeKey(w.server)
  const { promise, resolve } = Promise.withResolvers<void>()
  w.server.lies.syncOffer = async (offer) => {
    delete w.server.lies.syncOffer
    const answer = await w.server.rpc.syncOffer(offer)
    await promise
    return answer
  }
  w.sync.observe({ Head: w.server.head() }, false)
  w.keeper.leave()
  resolve()
  await w.sync.idle()
  assert.equal(w.keeper.state().kind, 'left')
})

test('Q53: a lock that ends and begins anew while an answer is on its way takes nothing from the old one', async () => {
  const w = await lockedWorld()
  const old = addSomeKey(w.server)
  const other = testGenesis([admin], 9n)
  const answer = await w.server.rpc.syncOffer({
    head: w.server.head(),
    ancestors: [aumHashText(aumHash(genesis))],
  })
  w.server.lies.syncOffer = () => {
    w.keeper.leave()
    w.keeper.begin(other)
    return Promise.resolve({ ...answer, missing: old.map((aum) => encodeAum(aum)) })
  }
  await w.hear()
  assert.equal(w.keeper.require().authority.head, aumHash(other))
})

test('a node that slept through end and new beginning heals with the old secret', async () => {
  const w = await lockedWorld()
  const fresh = createLockServer(testGenesis([second], 4n))
  Object.assign(w.server.lies, fresh.rpc, {
    bootstrap: (head: string) =>
      head === ''
        ? fresh.rpc.bootstrap('')
        : Promise.resolve({ genesis: null, disablementSecret: secret }),
  })
  w.sync.observe({ Disabled: true }, true)
  await w.sync.idle()
  assert.equal(w.keeper.state().kind, 'off')
  w.sync.observe({ Head: fresh.head() }, false)
  await w.sync.idle()
  assert.equal(w.keeper.require().authority.stateId, '4:2')
})

test('a damaged store is beyond the reach of the server', async () => {
  const files = createMemoryFiles()
  const stateFile = openStateFile(files, '/state')
  stateFile.update({ wasLocked: { stateId: '1:2', genesis: 'G', head: 'A'.repeat(52) } })
  const clock = createFakeClock()
  const keeper = createLockKeeper({ stateFile, files, directory: '/state/lock', now: clock.now })
  const server = createLockServer(genesis, secret)
  const sync = createLockSync({
    keeper,
    rpc: server.rpc,
    guard: createSecretGuard(clock.now),
    clock,
    random: () => 0.5,
    log: silentLog,
  })
  for (const info of [{ Head: server.head() }, { Disabled: true }, undefined]) {
    sync.observe(info, true)
    await sync.idle()
    await clock.advanceAsync(60_000)
  }
  assert.equal(keeper.state().kind, 'broken')
  assert.deepEqual(server.calls, [])
})

test('an all-zero head, official for "on, somewhere", is no reason to end anything', async () => {
  const w = await lockedWorld()
  w.sync.observe({}, false)
  await w.sync.idle()
  assert.deepEqual(w.server.calls, ['offer'])
  assert.equal(w.head(), aumHash(genesis))
  assert.equal(parseAumHash('A'.repeat(52)), '0'.repeat(64))
})
