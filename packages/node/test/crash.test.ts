// SPDX-License-Identifier: Apache-2.0

/**
 * The power goes before every single step of everything that a node writes, and goes once more
 * while it comes up again. Whatever the disk may then hold: a lock that was in force is in force,
 * what was acknowledged is there, and nothing needs repair.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import {
  generateLockKey,
  generateNodeKey,
  nodePublicOf,
  privateKeyText,
  type NodePublic,
} from '@signet/keys'
import {
  aumHash,
  aumHashText,
  checkDisablement,
  createUpdateBuilder,
  type Aum,
  type UpdateBuilder,
} from '@signet/tka'
import { createLockKeeper, type LockKeeper } from '../src/lock/keeper.ts'
import { gateLock } from '../src/lock/lock-state.ts'
import { openStateFile, type StateFile } from '../src/state-file.ts'
import { createCrashDisk, PowerCut, type CrashDisk } from './support/crash-disk.ts'
import { secret, secretValue, testGenesis, testSigner } from './support/lock-fixture.ts'

const day = 24 * 60 * 60 * 1000
const admin = testSigner()
const genesis = testGenesis([admin])
const head = aumHash(genesis)

type Running = { disk: CrashDisk; stateFile: StateFile; keeper: LockKeeper }
type Check = (after: Running, isAcknowledged: boolean) => void

let now = 0

function start(disk: CrashDisk): Running {
  const stateFile = openStateFile(disk, '/home/node')
  const options = { stateFile, files: disk, directory: '/home/node/lock', now: () => now }
  return { disk, stateFile, keeper: createLockKeeper(options) }
}

/** A disk on which something was done before. */
function diskAfter(act: (node: Running) => void): CrashDisk {
  const disk = createCrashDisk()
  disk.makeDirectory('/home', 0o700)
  act(start(disk))
  return disk.settled()
}

/** True when the power went while this ran; any other failure is one. */
function diesIn(run: () => void): boolean {
  try {
    run()
    return false
  } catch (error) {
    for (let at = error; at instanceof Error; at = at.cause) if (at instanceof PowerCut) return true
    throw error
  }
}

/** See the module comment. Returns how many steps there were, and how many disks were looked at. */
function crashMatrix(
  before: CrashDisk,
  act: (node: Running) => void,
  check: Check,
): { steps: number; disks: number } {
  const seen = new Set<string>()
  let disks = 0
  const look = (disk: CrashDisk, isAcknowledged: boolean): void => {
    const print = `${isAcknowledged} ${disk.print()}`
    if (seen.has(print)) return
    seen.add(print)
    // A healthy node never has so much in the air at once.
    assert.ok(++disks < 20_000, 'Too much is not synced')
    check(start(disk.settled()), isAcknowledged)
    for (let step = 0; ; step++) {
      const again = disk.settled()
      again.dieAfter(step)
      if (!diesIn(() => start(again))) return
      for (const found of again.remains()) {
        const twice = `${isAcknowledged} ${found.print()}`
        if (seen.has(twice)) continue
        seen.add(twice)
        disks++
        check(start(found), isAcknowledged)
      }
    }
  }
  for (let steps = 0; ; steps++) {
    const disk = before.settled()
    const node = start(disk)
    disk.dieAfter(steps)
    const isAcknowledged = !diesIn(() => act(node))
    for (const found of disk.remains()) look(found, isAcknowledged)
    if (isAcknowledged) return { steps, disks }
  }
}

function build(keeper: LockKeeper, edit: (builder: UpdateBuilder) => void): readonly Aum[] {
  const builder = createUpdateBuilder(keeper.require().authority, [admin.signer])
  edit(builder)
  return builder.finish()
}

function addKeys(keeper: LockKeeper, count: number): readonly Aum[] {
  return build(keeper, (builder) => {
    for (let i = 0; i < count; i++) builder.addKey(testSigner().key)
  })
}

/** The lock is in force, whatever else is true. */
function assertLocked({ keeper }: Running): void {
  const state = keeper.state()
  assert.equal(state.kind, 'on', state.kind === 'broken' ? state.why : '')
  assert.equal(gateLock(state).kind, 'locked')
}

const locked = diskAfter(({ keeper }) => {
  keeper.begin(genesis)
})

test('a first start leaves no state or a whole one', () => {
  const disk = createCrashDisk()
  for (let steps = 0; ; steps++) {
    const fresh = disk.settled()
    fresh.makeDirectory('/home', 0o700)
    fresh.dieAfter(steps)
    let machineKey = ''
    const isDead = diesIn(() => {
      machineKey = privateKeyText(start(fresh).stateFile.get().machineKey)
    })
    for (const found of fresh.remains()) {
      if (found.list('/home') === undefined) continue
      const after = start(found)
      assert.equal(after.keeper.state().kind, 'off')
      if (!isDead) assert.equal(privateKeyText(after.stateFile.get().machineKey), machineKey)
    }
    if (!isDead) break
  }
})

test('begin() leaves no lock or the whole lock', () => {
  const { steps } = crashMatrix(
    diskAfter(() => undefined),
    ({ keeper }) => keeper.begin(genesis),
    (after, isAcknowledged) => {
      const { kind } = after.keeper.state()
      if (kind === 'off') {
        assert.equal(isAcknowledged, false)
        // The server announces it again, and it begins.
        after.keeper.begin(genesis)
      }
      assertLocked(after)
      assert.equal(after.keeper.require().authority.head, head)
      assert.equal(after.stateFile.get().wasLocked?.genesis, aumHashText(head))
    },
  )
  assert.ok(steps > 15, String(steps))
})

test('begin() of a pinned lock shuts the gate all the way', () => {
  crashMatrix(
    diskAfter(({ keeper }) => keeper.pin(aumHashText(head))),
    ({ keeper }) => keeper.begin(genesis),
    ({ keeper }, isAcknowledged) => {
      const state = keeper.state()
      assert.notEqual(gateLock(state).kind, 'open')
      assert.ok(state.kind === 'on' || (state.kind === 'awaiting' && !isAcknowledged), state.kind)
    },
  )
})

test('begin() after a lock that ended finds nothing of the old one', () => {
  const next = testGenesis([admin], 7n)
  crashMatrix(
    diskAfter(({ keeper }) => {
      keeper.begin(genesis)
      keeper.inform(addKeys(keeper, 1))
      keeper.end()
    }),
    ({ keeper }) => keeper.begin(next),
    (after, isAcknowledged) => {
      if (after.keeper.state().kind === 'off') {
        assert.equal(isAcknowledged, false)
        return
      }
      assertLocked(after)
      assert.equal(after.keeper.require().authority.head, aumHash(next))
    },
  )
})

test('inform() of a batch leaves all of it or nothing, wherever a write was torn', () => {
  const updates = addKeys(start(locked.settled()).keeper, 3)
  const last = aumHash(updates.at(-1)!)
  const { disks } = crashMatrix(
    locked,
    ({ keeper }) => keeper.inform(updates),
    (after, isAcknowledged) => {
      assertLocked(after)
      const found = after.keeper.require().authority.head
      assert.ok(found === last || (found === head && !isAcknowledged), found)
      assert.equal(after.keeper.inform(updates).head, last)
    },
  )
  // Every byte of the record is a place where it can end.
  assert.ok(disks > 600, String(disks))
})

test('a second change after a torn one is whole', () => {
  const { keeper } = start(locked.settled())
  const first = addKeys(keeper, 1)
  keeper.inform(first)
  const second = addKeys(keeper, 1)
  const disk = locked.settled()
  const node = start(disk)
  // The append is done, its fsync is not.
  disk.dieAfter(1)
  assert.ok(diesIn(() => node.keeper.inform(first)))
  const remains = [...disk.remains()]
  const torn = remains[Math.floor(remains.length / 2)]
  assert.ok(torn)
  crashMatrix(
    torn,
    (again) => {
      again.keeper.inform(first)
      again.keeper.inform(second)
    },
    (after, isAcknowledged) => {
      assertLocked(after)
      const heads = isAcknowledged ? [second] : [second, first, [genesis]]
      const { authority } = after.keeper.require()
      assert.ok(heads.some((aums) => aumHash(aums.at(-1)!) === authority.head))
    },
  )
})

test('compact() changes neither head nor trust', () => {
  now = 0
  const disk = diskAfter(({ keeper }) => {
    keeper.begin(genesis)
    const key = testSigner().key
    for (let i = 0; i < 80; i++) {
      keeper.inform(
        build(keeper, (builder) =>
          i % 2 === 0 ? builder.addKey(key) : builder.removeKey(key.public!),
        ),
      )
    }
  })
  now = 100 * day
  const { authority } = start(disk.settled()).keeper.require()
  const { steps } = crashMatrix(
    disk,
    ({ keeper }) => assert.equal(keeper.compact(), true),
    (after) => {
      assertLocked(after)
      const found = after.keeper.require().authority
      assert.equal(found.head, authority.head)
      assert.deepEqual(found.state, authority.state)
      assert.equal(after.stateFile.get().wasLocked?.genesis, aumHashText(head))
    },
  )
  now = 0
  assert.ok(steps >= 5, String(steps))
})

test('learn() of a rotation keeps every rotation that was known', () => {
  const [a, b, c, d] = Array.from({ length: 4 }, () => nodePublicOf(generateNodeKey())) as [
    NodePublic,
    NodePublic,
    NodePublic,
    NodePublic,
  ]
  const learn = ({ keeper }: Running, old: NodePublic, next: NodePublic): void => {
    const state = keeper.state()
    assert.equal(state.kind, 'on')
    state.memory.learn([{ nodeKey: next, replaced: [old], root: 'r' }])
  }
  crashMatrix(
    diskAfter((node) => {
      node.keeper.begin(genesis)
      learn(node, a, b)
    }),
    (node) => learn(node, c, d),
    (after, isAcknowledged) => {
      assertLocked(after)
      const state = after.keeper.state()
      assert.equal(state.kind, 'on')
      assert.equal(state.memory.replacedBy(a), b)
      if (isAcknowledged) assert.equal(state.memory.replacedBy(c), d)
    },
  )
})

test('a change of the node key leaves the old keys or the new ones, and the lock', () => {
  const keys = [generateNodeKey(), generateNodeKey()] as const
  const lockKey = generateLockKey()
  let machineKey = ''
  crashMatrix(
    diskAfter(({ stateFile, keeper }) => {
      machineKey = privateKeyText(stateFile.update({ nodeKey: keys[0], lockKey }).machineKey)
      keeper.begin(genesis)
    }),
    ({ stateFile }) => stateFile.update({ nodeKey: keys[1], oldNodeKey: keys[0] }),
    (after, isAcknowledged) => {
      assertLocked(after)
      const state = after.stateFile.get()
      const texts = [state.nodeKey, state.oldNodeKey].map((key) => key && privateKeyText(key))
      const [old, next] = [privateKeyText(keys[0]), privateKeyText(keys[1])]
      const isNew = texts[0] === next
      assert.deepEqual(texts, isNew ? [next, old] : [old, null])
      if (isAcknowledged) assert.ok(isNew)
      assert.equal(privateKeyText(state.machineKey), machineKey)
      assert.equal(state.lockKey && privateKeyText(state.lockKey), privateKeyText(lockKey))
    },
  )
})

test('end() leaves the lock on or off; still on, it takes the same secret', async () => {
  const ending = testGenesis([admin], 3n, await secretValue())
  const states: Running[] = []
  crashMatrix(
    diskAfter(({ keeper }) => keeper.begin(ending)),
    ({ keeper }) => keeper.end(),
    (after, isAcknowledged) => {
      if (after.keeper.state().kind === 'off') return
      assert.equal(isAcknowledged, false)
      assertLocked(after)
      states.push(after)
    },
  )
  const [still] = states
  assert.ok(still)
  assert.ok(await checkDisablement(still.keeper.require().authority.state, secret))
  still.keeper.end()
  assert.equal(start(still.disk.settled()).keeper.state().kind, 'off')
})

test('leave() leaves the lock on, or left and never to be taken back', () => {
  crashMatrix(
    locked,
    ({ keeper }) => keeper.leave(),
    (after, isAcknowledged) => {
      const { disallowedStateIds } = after.stateFile.get()
      if (disallowedStateIds.length === 0) {
        assert.equal(isAcknowledged, false)
        assertLocked(after)
        return
      }
      assert.deepEqual(disallowedStateIds, ['1:2'])
      assert.equal(gateLock(after.keeper.state()).kind, 'open')
      assert.throws(() => after.keeper.begin(genesis), { code: 'lock-disallowed' })
    },
  )
})

test('pin() and forgive() happen or not', () => {
  const [old, next] = [nodePublicOf(generateNodeKey()), nodePublicOf(generateNodeKey())]
  crashMatrix(
    diskAfter(() => undefined),
    ({ keeper }) => keeper.pin(aumHashText(head)),
    ({ keeper }, isAcknowledged) => {
      if (isAcknowledged) assert.equal(keeper.state().kind, 'awaiting')
    },
  )
  crashMatrix(
    diskAfter(({ keeper }) => {
      keeper.begin(genesis)
      const state = keeper.state()
      assert.equal(state.kind, 'on')
      state.memory.learn([{ nodeKey: next, replaced: [old], root: '' }])
    }),
    ({ keeper }) => assert.equal(keeper.forgive(old), true),
    (after, isAcknowledged) => {
      assertLocked(after)
      const state = after.keeper.state()
      assert.equal(state.kind, 'on')
      if (isAcknowledged) assert.equal(state.memory.replacedBy(old), undefined)
    },
  )
})

test('whatever may be found, a mark without its lock shuts the gate', () => {
  const paths = locked.paths().filter((path) => path.includes('/lock/'))
  assert.equal(paths.length, 2)
  for (const path of paths) {
    const bytes = locked.read(path)!
    // The line feed at the end of the other file says nothing.
    const length = path.endsWith('.log') ? bytes.length : bytes.length - 1
    for (let at = 0; at < length; at++) {
      const disk = locked.settled()
      disk.writeSynced(path, bytes.slice(0, at), 0o600)
      const state = start(disk).keeper.state()
      // Behind the updates the log says only where the chain begins, and that can be found out.
      if (state.kind === 'on') assert.equal(state.authority.head, head)
      else assert.equal(gateLock(state).kind, 'closed', `${path} cut at ${at}`)
      for (const bit of [1, 0x80]) {
        const flipped = locked.settled()
        flipped.writeSynced(
          path,
          bytes.map((byte, i) => (i === at ? byte ^ bit : byte)),
          0o600,
        )
        assert.notEqual(gateLock(start(flipped).keeper.state()).kind, 'open', `${path} at ${at}`)
      }
    }
    const disk = locked.settled()
    disk.remove(path)
    assert.equal(start(disk).keeper.state().kind, 'broken')
  }
})
