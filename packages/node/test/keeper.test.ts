// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import test from 'node:test'
import {
  aumHash,
  aumHashText,
  createUpdateBuilder,
  signAum,
  type Aum,
  type VerifiedAum,
} from '@signet/tka'
import { nodePublicOf, generateNodeKey } from '@signet/keys'
import { NodeError } from '../src/errors.ts'
import { createLockKeeper, type LockKeeper } from '../src/lock/keeper.ts'
import { gateLock } from '../src/lock/lock-state.ts'
import { openStateFile, type StateFile } from '../src/state-file.ts'
import { dirname } from 'node:path'
import { testGenesis, testSigner } from './support/lock-fixture.ts'
import { aftermaths, Crash, createMemoryFiles, type MemoryFiles } from './support/memory-files.ts'

const directory = '/state/lock'
const log = '/state/lock/updates.log'
const rotations = '/state/lock/rotations.json'
const admin = testSigner()
const genesis = testGenesis([admin])
const day = 24 * 60 * 60 * 1000

type Kept = { keeper: LockKeeper; stateFile: StateFile; files: MemoryFiles }

function open(files: MemoryFiles = createMemoryFiles(), now: () => number = () => 0): Kept {
  const stateFile = openStateFile(files, '/state')
  return { files, stateFile, keeper: createLockKeeper({ stateFile, files, directory, now }) }
}

function locked(): Kept {
  const kept = open()
  kept.keeper.begin(genesis)
  return kept
}

/** One more trusted key. */
function addKey(keeper: LockKeeper): Aum[] {
  const builder = createUpdateBuilder(keeper.require().authority, [admin.signer])
  builder.addKey(testSigner().key)
  return builder.finish()
}

function code(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof NodeError) return error.code
    throw error
  }
  return ''
}

test('createLockKeeper() follows a lock from its first update, and finds it after a restart', () => {
  const { keeper, stateFile, files } = locked()
  assert.equal(keeper.state().kind, 'on')
  const head = keeper.inform(addKey(keeper)).head
  assert.equal(stateFile.get().wasLocked?.head, aumHashText(head))
  assert.equal(stateFile.get().wasLocked?.genesis, aumHashText(aumHash(genesis)))
  const again = open(files.restart('lost')).keeper
  assert.equal(again.require().authority.head, head)
  assert.equal(gateLock(again.state()).kind, 'locked')
})

const damages: readonly (readonly [string, (files: MemoryFiles) => void, RegExp])[] = [
  ['its directory is gone', (files) => files.remove(directory), /gone/],
  ['its log is gone', (files) => files.remove(log), /gone/],
  ['its log is empty', (files) => files.writeSynced(log, new Uint8Array(), 0o600), /damaged/],
  ['its log lost its end', (files) => cut(files, (length) => length - 40), /missing/],
  ['its log lost all updates', (files) => cut(files, () => 17), /damaged/],
  ['its log has a flipped bit', (files) => edit(files, log, flipBit), /damaged/],
  [
    'its log is that of another lock',
    (files) => replaceLog(files, testGenesis([admin], 9n)),
    /expected lock 1:2, found 9:2/,
  ],
  ['its log is a shorter one of the same lock', (files) => replaceLog(files, genesis), /missing/],
  ['its list of replaced keys is gone', (files) => files.remove(rotations), /missing/],
  [
    'its list of replaced keys is damaged',
    (files) => edit(files, rotations, (b) => b.subarray(5)),
    /damaged/,
  ],
]

function edit(files: MemoryFiles, path: string, change: (bytes: Uint8Array) => Uint8Array): void {
  files.writeSynced(path, change(files.read(path)!), 0o600)
}

function flipBit(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, at) => (at === 60 ? byte ^ 1 : byte))
}

function cut(files: MemoryFiles, length: (before: number) => number): void {
  edit(files, log, (bytes) => bytes.subarray(0, length(bytes.length)))
}

function replaceLog(files: MemoryFiles, first: VerifiedAum): void {
  const other = open()
  other.keeper.begin(first)
  files.writeSynced(log, other.files.read(log)!, 0o600)
}

for (const [name, damage, why] of damages) {
  test(`Q58: createLockKeeper() lets nobody in when ${name}, says why, and touches nothing`, () => {
    const { keeper, files } = locked()
    keeper.inform(addKey(keeper))
    damage(files)
    const before = files.paths().map((path) => [path, files.read(path)])
    const broken = open(files).keeper
    const state = broken.state()
    assert.equal(state.kind, 'broken')
    assert.match(state.kind === 'broken' ? state.why : '', why)
    assert.equal(gateLock(state).kind, 'closed')
    assert.equal(
      code(() => broken.begin(genesis)),
      'lock-broken',
    )
    assert.equal(
      code(() => broken.require()),
      'lock-broken',
    )
    broken.stopAwaiting()
    assert.equal(broken.state().kind, 'broken')
    const kept = files
      .paths()
      .filter((path) => !path.endsWith('.log') || !name.includes('lost its end'))
    for (const [path, bytes] of before) {
      if (kept.includes(path as string)) assert.deepEqual(files.read(path as string), bytes)
    }
  })
}

test('createLockKeeper() stays locked when the mark is gone but the store is there', () => {
  const { stateFile, files } = locked()
  stateFile.update({ wasLocked: null })
  const again = open(files)
  assert.equal(again.keeper.state().kind, 'on')
  assert.notEqual(again.stateFile.get().wasLocked, null)
})

test('Q59: createLockKeeper() begins in a directory that a crash left empty', () => {
  const files = createMemoryFiles()
  openStateFile(files, '/state')
  files.makeDirectory(directory, 0o700)
  const { keeper } = open(files)
  assert.equal(keeper.state().kind, 'off')
  keeper.begin(genesis)
  assert.equal(keeper.state().kind, 'on')
})

test('begin() refuses a lock that is not the pinned one, and lets nobody in meanwhile', () => {
  const { keeper, files } = open()
  keeper.pin(aumHashText(aumHash(genesis)).slice(0, 26))
  assert.equal(gateLock(keeper.state()).kind, 'closed')
  assert.equal(
    code(() => keeper.begin(testGenesis([testSigner()]))),
    'lock-pin-mismatch',
  )
  keeper.stopAwaiting()
  assert.equal(keeper.state().kind, 'awaiting')
  assert.equal(gateLock(open(files.restart('lost')).keeper.state()).kind, 'closed')
  keeper.begin(genesis)
  assert.equal(keeper.state().kind, 'on')
})

test('pin() on a locked node checks the lock that is there', () => {
  const { keeper } = locked()
  keeper.pin(aumHashText(aumHash(genesis)))
  assert.equal(
    code(() => keeper.pin('A'.repeat(26))),
    'lock-pin-mismatch',
  )
  assert.equal(keeper.state().kind, 'on')
})

test('Q36: begin() refuses a first update that nobody in it has signed', () => {
  const { keeper } = open()
  const forged = {
    ...genesis,
    signatures: [{ ...genesis.signatures![0]!, signature: new Uint8Array(64) }],
  }
  assert.throws(() => keeper.begin(forged), { name: 'TkaError' })
  assert.equal(keeper.state().kind, 'off')
  assert.throws(() => keeper.begin({ ...genesis, signatures: null }), { name: 'TkaError' })
})

test('await() shuts an open gate only, stopAwaiting() opens it again', () => {
  const { keeper } = open()
  keeper.await('announced')
  assert.equal(gateLock(keeper.state()).kind, 'closed')
  keeper.stopAwaiting()
  assert.equal(gateLock(keeper.state()).kind, 'open')
  const on = locked().keeper
  on.await('announced')
  assert.equal(on.state().kind, 'on')
})

test('leave() is remembered for that lock, not for another', () => {
  const { keeper, stateFile, files } = locked()
  keeper.leave()
  assert.deepEqual(stateFile.get().disallowedStateIds, ['1:2'])
  const again = open(files.restart('lost')).keeper
  assert.equal(gateLock(again.state()).kind, 'open')
  assert.equal(
    code(() => again.begin(genesis)),
    'lock-disallowed',
  )
  again.begin(testGenesis([admin], 5n))
  assert.equal(again.state().kind, 'on')
})

test('leave() gets a node out of a damaged lock', () => {
  const { files } = locked()
  files.remove(log)
  const { keeper, stateFile } = open(files)
  keeper.leave()
  assert.equal(gateLock(keeper.state()).kind, 'open')
  assert.deepEqual(stateFile.get().disallowedStateIds, ['1:2'])
  assert.equal(
    code(() => open().keeper.leave()),
    'lock-off',
  )
})

test('Q28: inform() changes nothing when one update is wrong', () => {
  const { keeper, files } = locked()
  const [good] = addKey(keeper)
  const bad: Aum = { ...good!, prev: new Uint8Array(32).fill(1) }
  const before = files.read(log)
  assert.throws(() => keeper.inform([good!, bad]), { name: 'TkaError' })
  assert.deepEqual(files.read(log), before)
  assert.equal(keeper.require().authority.head, aumHash(genesis))
})

test('compact() keeps what the mark names, however far the head has run', () => {
  let now = 0
  const { keeper, files } = open(createMemoryFiles(), () => now)
  keeper.begin(genesis)
  for (let i = 0; i < 120; i++) keeper.inform(addKey(keeper))
  now += 100 * day
  assert.equal(keeper.compact(), true)
  const { authority, store } = keeper.require()
  assert.ok([...store.hashes()].length < 100)
  const again = open(files.restart('lost'), () => now)
  assert.equal(again.keeper.require().authority.head, authority.head)
  assert.equal(again.stateFile.get().wasLocked?.genesis, aumHashText(aumHash(genesis)))
})

/** Runs an action on a prepared node, dying before each of its steps in turn. */
function crashMatrix(
  prepare: () => Kept,
  act: (kept: Kept) => void,
  check: (after: Kept, isDone: boolean) => void,
): number {
  for (let at = 0; ; at++) {
    const kept = prepare()
    kept.files.crashAt(kept.files.steps() + at)
    let isDone = false
    try {
      act(kept)
      isDone = true
    } catch (error) {
      assert.ok(error instanceof Crash || hasCrash(error), String(error))
    }
    for (const aftermath of aftermaths) check(open(kept.files.restart(aftermath)), isDone)
    if (isDone) return at
  }
}

function hasCrash(error: unknown): boolean {
  return error instanceof Error && (error.cause instanceof Crash || hasCrash(error.cause))
}

test('begin() leaves no lock or the whole lock, wherever the process dies', () => {
  const steps = crashMatrix(
    () => open(),
    ({ keeper }) => keeper.begin(genesis),
    ({ keeper }, isDone) => {
      const { kind } = keeper.state()
      assert.ok(kind === 'on' || (!isDone && kind === 'off'), kind)
      if (kind === 'off') keeper.begin(genesis)
      assert.equal(keeper.require().authority.head, aumHash(genesis))
    },
  )
  assert.ok(steps > 10)
})

test('inform() leaves the old or the new head, wherever the process dies, and never no lock', () => {
  const one = locked()
  const update = addKey(one.keeper)
  const steps = crashMatrix(
    locked,
    ({ keeper }) => keeper.inform(update),
    ({ keeper }, isDone) => {
      const heads = isDone ? [aumHash(update[0]!)] : [aumHash(genesis), aumHash(update[0]!)]
      assert.ok(heads.includes(keeper.require().authority.head))
      keeper.inform(update)
    },
  )
  assert.ok(steps >= 5)
})

test('end() leaves the lock on or off, wherever the process dies', () => {
  crashMatrix(
    locked,
    ({ keeper }) => keeper.end(),
    ({ keeper }, isDone) => {
      const { kind } = keeper.state()
      assert.ok(isDone ? kind === 'off' : kind === 'off' || kind === 'on', kind)
    },
  )
})

test('leave() leaves the lock on or left, wherever the process dies', () => {
  crashMatrix(
    locked,
    ({ keeper }) => keeper.leave(),
    ({ keeper, stateFile }) => {
      const { kind } = keeper.state()
      assert.ok(kind === 'on' || stateFile.get().disallowedStateIds.includes('1:2'), kind)
      assert.notEqual(kind, 'broken')
    },
  )
})

test('the memory of rotations is whole, wherever the process dies', () => {
  const [old, next] = [nodePublicOf(generateNodeKey()), nodePublicOf(generateNodeKey())]
  crashMatrix(
    locked,
    ({ keeper }) => {
      const state = keeper.state()
      assert.equal(state.kind, 'on')
      state.memory.learn([{ nodeKey: next, replaced: [old], root: 'r' }])
    },
    ({ keeper }, isDone) => {
      const state = keeper.state()
      assert.equal(state.kind, 'on')
      if (isDone) assert.equal(state.memory.replacedBy(old), next)
    },
  )
})

test('forgive() lets a replaced key in again, and tells everybody that something changed', () => {
  const { keeper } = locked()
  const [old, next] = [nodePublicOf(generateNodeKey()), nodePublicOf(generateNodeKey())]
  const state = keeper.state()
  assert.equal(state.kind, 'on')
  state.memory.learn([{ nodeKey: next, replaced: [old], root: '' }])
  let changes = 0
  keeper.onChange(() => changes++)
  assert.equal(keeper.forgive(next), false)
  assert.equal(keeper.forgive(old), true)
  assert.equal(changes, 1)
  const after = keeper.state()
  assert.equal(after.kind === 'on' && after.memory.replacedBy(old), undefined)
})

for (const [name, damage] of damages) {
  test(`heal() brings back the true history when ${name}, and no other`, () => {
    const { keeper, files } = locked()
    const updates = addKey(keeper)
    keeper.inform(updates)
    const head = keeper.require().authority.head
    damage(files)
    const broken = open(files).keeper
    const later = [...updates]
    assert.equal(
      code(() => broken.heal(testGenesis([admin, testSigner()], 1n), [])),
      'lock-broken',
    )
    assert.equal(
      code(() => broken.heal(genesis, [])),
      'lock-broken',
      'a history that ends too early',
    )
    assert.equal(broken.state().kind, 'broken')
    assert.equal(broken.heal(genesis, later).head, head)
    const again = open(files.restart('lost')).keeper
    assert.equal(again.require().authority.head, head)
  })
}

test('heal() lets nothing undo what was in force, whatever comes with it', () => {
  const thief = testSigner()
  const first = testGenesis([admin, thief])
  const files = createMemoryFiles()
  const { keeper } = open(files)
  keeper.begin(first)
  const updates = addKey(keeper)
  keeper.inform(updates)
  const builder = createUpdateBuilder(keeper.require().authority, [admin.signer])
  builder.removeKey(thief.signer.keyId)
  updates.push(...builder.finish())
  const { head } = keeper.inform(updates)
  let sibling: Aum
  do {
    const { key } = testSigner()
    sibling = signAum({ ...updates[0]!, key, signatures: null }, [thief.signer])
  } while (aumHash(sibling) > aumHash(updates[0]!))
  files.remove(log)
  const broken = open(files).keeper
  assert.throws(() => broken.heal(first, [sibling, ...updates]), { code: 'removed-signer' })
  assert.equal(broken.state().kind, 'broken')
  assert.equal(broken.heal(first, updates.toReversed()).head, head)
})

test('heal() keeps every store that it sets aside', () => {
  const { files } = locked()
  for (let round = 0; round < 2; round++) {
    files.writeSynced(log, new Uint8Array(), 0o600)
    open(files).keeper.heal(genesis, [])
  }
  const directory = dirname(log)
  assert.notEqual(files.list(`${directory}.damaged`), undefined)
  assert.notEqual(files.list(`${directory}.damaged-2`), undefined)
})

test('heal() is for damaged locks with a mark only, and can be tried again after a crash', () => {
  assert.equal(
    code(() => open().keeper.heal(genesis, [])),
    'lock-broken',
  )
  crashMatrix(
    () => {
      const { files } = locked()
      files.remove(log)
      return open(files)
    },
    ({ keeper }) => keeper.heal(genesis, []),
    ({ keeper }, isDone) => {
      const { kind } = keeper.state()
      assert.ok(kind === 'on' || (!isDone && kind === 'broken'), kind)
      if (kind === 'broken') keeper.heal(genesis, [])
      assert.equal(keeper.require().authority.head, aumHash(genesis))
    },
  )
})
