// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import {
  lockPublicBytes,
  lockPublicOf,
  nodePublicOf,
  generateNodeKey,
  type NodePublic,
} from '@signet/keys'
import {
  aumHash,
  aumHashText,
  authorizeNodeKey,
  createUpdateBuilder,
  decodeAum,
  decodeNodeKeySignature,
  disablementValue,
  encodeAum,
  indexTrustedKeys,
  KeyKind,
  newDeeplink,
  parseWrappedAuthKey,
  signNodeKey,
  unverifiedAuthorizingKeyId,
  type Key,
} from '@signet/tka'
import { createLockCommands, type LockCommands } from '../src/lock/commands.ts'
import { initLock, type InitRequest } from '../src/lock/init.ts'
import { createLockKeeper, type LockKeeper } from '../src/lock/keeper.ts'
import { createLockRecovery, type LockRecovery } from '../src/lock/recovery.ts'
import { createSecretGuard } from '../src/lock/secret-guard.ts'
import { openStateFile } from '../src/state-file.ts'
import {
  secret,
  secretValue,
  testGenesis,
  testSigner,
  type TestSigner,
} from './support/lock-fixture.ts'
import { createLockServer, type LockServer } from './support/lock-server.ts'
import { createMemoryFiles } from './support/memory-files.ts'

const admin = testSigner()
const second = testSigner()
const third = testSigner()
const bystander = testSigner()
const value = await secretValue()
const genesis = testGenesis([admin, second, third, bystander], 1n, value)
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

type Desk = {
  readonly keeper: LockKeeper
  readonly server: LockServer
  readonly commands: LockCommands
  readonly recovery: LockRecovery
  init(request: Partial<InitRequest>, known?: readonly NodePublic[]): Promise<void>
}

const ownNodeKey = nodePublicOf(generateNodeKey())

function desk(own: TestSigner = admin, isLocked = true, server = createLockServer(genesis)): Desk {
  const files = createMemoryFiles()
  const stateFile = openStateFile(files, '/state')
  const keeper = createLockKeeper({ stateFile, files, directory: '/state/lock', now: () => 0 })
  if (isLocked) keeper.begin(genesis)
  const options = {
    keeper,
    rpc: server.rpc,
    guard: createSecretGuard(() => 0),
    lockKey: () => own.priv,
    randomBytes: random,
  }
  return {
    keeper,
    server,
    commands: createLockCommands(options),
    recovery: createLockRecovery(options),
    init: (request, known = []) =>
      initLock(
        {
          keys: [own.key],
          disablementValues: [value],
          supportDisablement: null,
          signUnknownNodes: false,
          ...request,
        },
        { ...options, ownNodeKey: () => ownNodeKey, knownNodeKeys: () => new Set(known) },
      ),
  }
}

const smallOrder = new Uint8Array(32)
const keyOf = (bytes: Uint8Array): Key => ({
  kind: KeyKind.Ed25519,
  votes: 1n,
  public: bytes,
  meta: null,
})
const node = (): NodePublic => nodePublicOf(generateNodeKey())

/** What was handed to the server by one of its calls. */
function captured(server: LockServer, call: 'sign' | 'initFinish' | 'disable'): unknown[][] {
  const seen: unknown[][] = []
  const record = (...args: unknown[]): Promise<never> => {
    seen.push(args)
    return Promise.resolve(undefined as never)
  }
  Object.assign(server.lies, { [call]: record })
  return seen
}

// sign

test('sign() sends a direct signature that every node accepts', async () => {
  const { commands, server, keeper } = desk()
  const seen = captured(server, 'sign')
  const key = node()
  await commands.sign(key, lockPublicBytes(lockPublicOf(second.priv)))
  const bytes = seen[0]?.[0] as Uint8Array
  authorizeNodeKey(indexTrustedKeys(keeper.require().authority.state.keys), key, bytes)
  assert.deepEqual(decodeNodeKeySignature(bytes).wrappingPubkey, second.signer.keyId)
})

for (const [name, rotation] of [
  ['no', null],
  ['an empty', new Uint8Array()],
  ['an all-zero', new Uint8Array(32)],
] as const) {
  test(`Q49: sign() with ${name} rotation key leaves the field out`, async () => {
    const { commands, server } = desk()
    const seen = captured(server, 'sign')
    await commands.sign(node(), rotation)
    assert.equal(decodeNodeKeySignature(seen[0]?.[0] as Uint8Array).wrappingPubkey, null)
  })
}

test('sign() refuses rotation keys under which anybody can sign, or of a wrong length', async () => {
  const { commands, server } = desk()
  const order1 = Uint8Array.of(1, ...new Uint8Array(31))
  await assert.rejects(commands.sign(node(), order1), { code: 'signature-wrapping-key' })
  await assert.rejects(commands.sign(node(), new Uint8Array(31)), { code: 'bad-argument' })
  assert.deepEqual(server.calls, [])
})

test('sign() and modify() need a key that counts, and a lock', async () => {
  const stranger = desk(testSigner())
  await assert.rejects(stranger.commands.sign(node(), null), { code: 'lock-not-trusted' })
  await assert.rejects(stranger.commands.modify([testSigner().key], []), {
    code: 'lock-not-trusted',
  })
  const open = desk(admin, false)
  await assert.rejects(open.commands.sign(node(), null), { code: 'lock-off' })
  await assert.rejects(open.commands.disable(secret), { code: 'lock-off' })
  assert.throws(() => open.commands.log(5), { code: 'lock-off' })
})

// modify

test('modify() builds on what is verified here, and waits for the server to say so', async () => {
  const { commands, server, keeper } = desk()
  const added = testSigner()
  await commands.modify([added.key], [third.key])
  const trusted = indexTrustedKeys(server.authority().state.keys)
  assert.deepEqual(
    [added, third].map(({ signer }) => trusted.has(signer.keyId)),
    [true, false],
  )
  assert.equal(
    keeper.require().authority.head,
    aumHash(genesis),
    'not before the server announces it',
  )
})

test('modify() tells of a server that moved on or did not take it', async () => {
  const { commands, server } = desk()
  server.lies.syncSend = () => Promise.resolve(aumHashText(aumHash(genesis)))
  await assert.rejects(commands.modify([testSigner().key], []), { code: 'lock-conflict' })
})

test('modify() trusts no key under which anybody can sign', async () => {
  const { commands, server } = desk()
  await assert.rejects(commands.modify([keyOf(smallOrder)], []), { code: 'bad-argument' })
  await assert.rejects(commands.modify([keyOf(new Uint8Array(31))], []), { code: 'bad-argument' })
  await assert.rejects(commands.modify([admin.key], []), { code: 'key-exists' })
  await assert.rejects(commands.modify([], [testSigner().key]), { code: 'unknown-key' })
  assert.deepEqual(server.calls, [])
})

// disable

test('disable() sends a secret only when it is right', async () => {
  const { commands, server, keeper } = desk()
  const seen = captured(server, 'disable')
  await assert.rejects(commands.disable(new Uint8Array(32)), { code: 'lock-wrong-secret' })
  assert.deepEqual(seen, [])
  await commands.disable(secret)
  assert.deepEqual(seen, [[aumHashText(aumHash(genesis)), secret]])
  assert.equal(keeper.state().kind, 'on', 'until the server shows the secret to all')
})

// log

test('log() shows the newest updates first', async () => {
  const { commands, server, keeper } = desk()
  const aums = server.change(admin, (builder) => builder.addKey(testSigner().key))
  keeper.inform(aums)
  const lines = commands.log(10)
  assert.deepEqual(
    lines.map(({ kind }) => kind),
    ['add-key', 'checkpoint'],
  )
  assert.equal(aumHash(decodeAum(lines[0]!.encoded)), lines[0]!.hash)
  assert.equal(commands.log(1).length, 1)
  await Promise.resolve()
})

// affected signatures

test('affectedSignatures() passes on what is valid and of that key', async () => {
  const { commands, server } = desk()
  const good = signNodeKey({ nodeKey: node(), signer: second.signer })
  server.lies.affectedSignatures = () => Promise.resolve([good])
  assert.deepEqual(await commands.affectedSignatures(second.signer.keyId), [good])
})

for (const [name, bad] of [
  ['of another key', signNodeKey({ nodeKey: node(), signer: third.signer })],
  ['of nobody', signNodeKey({ nodeKey: node(), signer: testSigner().signer })],
  ['of no form', Uint8Array.of(1)],
] as const) {
  test(`affectedSignatures() refuses a list with one ${name}`, async () => {
    const { commands, server } = desk()
    const good = signNodeKey({ nodeKey: node(), signer: second.signer })
    server.lies.affectedSignatures = () => Promise.resolve([good, bad])
    const keyId =
      name === 'of nobody'
        ? unverifiedAuthorizingKeyId(decodeNodeKeySignature(bad))
        : second.signer.keyId
    await assert.rejects(commands.affectedSignatures(keyId), { code: 'control-protocol' })
  })
}

// wrap, deep links

test('wrapAuthKey() makes a key with which a node signs itself', () => {
  const { commands } = desk()
  const wrapped = commands.wrapAuthKey('tskey-auth-a-b', second.priv)
  const { authKey, credential } = parseWrappedAuthKey(wrapped)
  assert.equal(authKey, 'tskey-auth-a-b')
  assert.deepEqual(credential?.signature.keyId, second.signer.keyId)
  assert.throws(() => commands.wrapAuthKey(wrapped, second.priv), { code: 'bad-argument' })
  assert.throws(() => commands.wrapAuthKey('', second.priv), { code: 'bad-argument' })
})

test('verifyDeeplink() judges by this lock', () => {
  const fields = {
    nodeKey: node(),
    lockPublic: `tlpub:${'11'.repeat(32)}`,
    deviceName: 'd',
    osName: 'linux',
    loginName: 'ann@example',
  }
  const { commands } = desk()
  assert.equal(commands.verifyDeeplink(newDeeplink(1n, fields)).isValid, true)
  assert.equal(commands.verifyDeeplink(newDeeplink(2n, fields)).isValid, false)
  assert.equal(commands.verifyDeeplink('https://example').isValid, false)
})

// init

test('initLock() signs every known node with its own rotation key, and waits for its own lock', async () => {
  const d = desk(admin, false)
  const [known, claimed] = [node(), lockPublicBytes(lockPublicOf(second.priv))]
  d.server.lies.initBegin = () =>
    Promise.resolve([
      { NodeID: 1, NodePublic: ownNodeKey, RotationPubkey: claimed },
      { NodeID: 2, NodePublic: known, RotationPubkey: claimed },
      { NodeID: 3, NodePublic: known, RotationPubkey: smallOrder },
    ])
  const finished = captured(d.server, 'initFinish')
  await d.init({}, [known])
  const signatures = finished[0]?.[0] as Map<number, Uint8Array>
  const wrapping = (id: number): unknown =>
    decodeNodeKeySignature(signatures.get(id)!).wrappingPubkey
  assert.deepEqual(wrapping(1), admin.signer.keyId, "our own key, not the server's claim")
  assert.deepEqual(wrapping(2), claimed)
  assert.equal(wrapping(3), null)
  // From now on no other lock will do.
  assert.throws(() => d.keeper.begin(testGenesis([admin], 6n)), { code: 'lock-pin-mismatch' })
})

test('Q62: initLock() signs no node that is not in its own map, unless told to', async () => {
  const d = desk(admin, false)
  const slipped = node()
  d.server.lies.initBegin = () =>
    Promise.resolve([{ NodeID: 9, NodePublic: slipped, RotationPubkey: null }])
  const finished = captured(d.server, 'initFinish')
  await assert.rejects(d.init({}), (error: Error & { code: string }) => {
    assert.equal(error.code, 'lock-unknown-node-keys')
    assert.match(error.message, new RegExp(slipped))
    return true
  })
  assert.equal(finished.length, 0)
  await d.init({ signUnknownNodes: true })
  assert.equal(finished.length, 1)
})

for (const [name, request, code] of [
  ['without our own key', { keys: [second.key] }, 'bad-argument'],
  ['with a small-order key', { keys: [admin.key, keyOf(smallOrder)] }, 'bad-argument'],
  ['without a disablement value', { disablementValues: [] }, 'bad-state'],
  ['with a value of a wrong length', { disablementValues: [new Uint8Array(31)] }, 'bad-state'],
  [
    'Q61: with a secret where a public value belongs',
    { disablementValues: [value, secret], supportDisablement: secret },
    'secret-as-value',
  ],
  [
    'with a support secret that ends nothing',
    { supportDisablement: new Uint8Array(32) },
    'bad-argument',
  ],
] as const) {
  test(`initLock() refuses to start a lock ${name}, before the server hears of it`, async () => {
    const d = desk(admin, false)
    await assert.rejects(d.init(request), { code })
    assert.deepEqual(d.server.calls, [])
  })
}

test('initLock() starts one lock only', async () => {
  await assert.rejects(desk().init({}), { code: 'lock-on' })
})

test('initLock() pins nothing when the server refuses', async () => {
  const d = desk(admin, false)
  d.server.lies.initFinish = () => Promise.reject(new Error('409'))
  await assert.rejects(d.init({}))
  d.keeper.begin(testGenesis([admin], 6n))
})

test('initLock() accepts a support secret that ends the lock', async () => {
  const support = new Uint8Array(32).fill(5)
  const d = desk(admin, false)
  await d.init({
    disablementValues: [value, await disablementValue(support)],
    supportDisablement: support,
  })
  assert.deepEqual(d.server.calls, ['begin', 'finish'])
})

// recovery

/** A thief with one key has removed another; the others want their lock back. */
function robbed(): { desks: Desk[]; thief: TestSigner } {
  const server = createLockServer(genesis)
  // A removal: it wins every tie, where anything else would win only if its hash happens to be the lower one.
  const stolen = server.change(third, (builder) => {
    builder.removeKey(bystander.signer.keyId)
  })
  const desks = [admin, second].map((own) => desk(own, true, server))
  for (const { keeper } of desks) keeper.inform(stolen)
  return { desks, thief: third }
}

test('recovery takes draft, co-signature and submission', async () => {
  const { desks, thief } = robbed()
  const [one, two] = desks
  const draft = one!.recovery.generate([thief.signer.keyId], aumHash(genesis))
  await assert.rejects(one!.recovery.submit(draft), { code: 'lock-conflict' })
  assert.throws(() => one!.recovery.cosign(draft), { code: 'already-signed' })
  const cosigned = two!.recovery.cosign(draft)
  await two!.recovery.submit(cosigned)
  const { head, state } = two!.server.authority()
  assert.equal(head, aumHash(decodeAum(cosigned)))
  assert.equal(indexTrustedKeys(state.keys).has(thief.signer.keyId), false)
})

test('cosign() signs nothing but a recovery of this lock', () => {
  const [one, two] = robbed().desks
  const builder = createUpdateBuilder(one!.keeper.require().authority, [third.signer])
  builder.addKey(testSigner().key)
  const adding = encodeAum(builder.finish()[0]!)
  const draft = decodeAum(one!.recovery.generate([third.signer.keyId], aumHash(genesis)))
  const edited = (state: object): Uint8Array =>
    encodeAum({ ...draft, state: { ...draft.state!, ...state } })
  for (const bytes of [
    Uint8Array.of(1),
    adding,
    encodeAum(genesis),
    edited({ stateId1: 8n }),
    edited({ disablementValues: [new Uint8Array(32)] }),
    edited({ keys: [...draft.state!.keys!, testSigner().key] }),
    edited({ keys: draft.state!.keys!.map((key) => ({ ...key, votes: 9n })) }),
  ]) {
    assert.throws(() => two!.recovery.cosign(bytes), { code: 'bad-argument' })
  }
})

test('generate() works for a node whose key the thief removed', () => {
  const server = createLockServer(genesis)
  const removed = server.change(third, (builder) => builder.removeKey(admin.signer.keyId))
  const victim = desk(admin, true, server)
  victim.keeper.inform(removed)
  const draft = decodeAum(victim.recovery.generate([third.signer.keyId], aumHash(genesis)))
  assert.deepEqual(draft.signatures?.[0]?.keyId, admin.signer.keyId)
})
