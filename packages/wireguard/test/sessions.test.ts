// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Sessions } from '../src/sessions.ts'
import { Session } from '../src/transport.ts'

function session(localIndex: number, isInitiator = true): Session {
  const keys = { send: new Uint8Array(32), receive: new Uint8Array(32), remoteIndex: 0 }
  return new Session({ keys, localIndex, isInitiator, createdAt: 0 })
}

/** Sessions, the indexes they gave back, and which of 1 to 9 they still find. */
function setUp(): { sessions: Sessions; released: number[]; found: () => string } {
  const released: number[] = []
  const sessions = new Sessions((index) => void released.push(index))
  const found = (): string =>
    [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((index) => sessions.find(index) !== null).join('')
  return { sessions, released, found }
}

describe('Sessions', () => {
  test('send with what we began at once, and with what they began when it is confirmed', () => {
    const { sessions } = setUp()
    const theirs = session(1, false)
    sessions.addUnconfirmed(theirs)
    assert.equal(sessions.current, null)
    assert.equal(sessions.find(1), theirs)
    assert.equal(sessions.confirm(theirs), true)
    assert.equal(sessions.current, theirs)
    assert.equal(sessions.confirm(theirs), false)
    const ours = session(2)
    sessions.addConfirmed(ours)
    assert.equal(sessions.current, ours)
    assert.equal(sessions.find(1), theirs, 'the one before still opens')
  })

  test('keep two that were replaced and give the index of a third back', () => {
    const { sessions, released, found } = setUp()
    for (const index of [1, 2, 3]) sessions.addConfirmed(session(index))
    assert.equal(found(), '123')
    assert.deepEqual(released, [])
    sessions.addConfirmed(session(4))
    assert.equal(found(), '234')
    assert.deepEqual(released, [1])
  })

  test('of sides that asked at once keep what the other side sends with', () => {
    const { sessions, released, found } = setUp()
    // Both asked: ours is current, theirs unconfirmed and then kept for opening. Twice.
    sessions.addUnconfirmed(session(1, false))
    sessions.addConfirmed(session(2))
    assert.equal(found(), '12')
    sessions.addUnconfirmed(session(3, false))
    assert.equal(found(), '123', 'they still send with 1 until our response arrives')
    sessions.addConfirmed(session(4))
    assert.equal(found(), '234')
    assert.deepEqual(released, [1])
  })

  test('replace an unconfirmed one by the next', () => {
    const { sessions, released, found } = setUp()
    sessions.addUnconfirmed(session(1, false))
    sessions.addUnconfirmed(session(2, false))
    assert.equal(found(), '2')
    assert.deepEqual(released, [1])
  })

  test('give every index back when wiped', () => {
    const { sessions, released, found } = setUp()
    for (const index of [1, 2, 3]) sessions.addConfirmed(session(index))
    sessions.addUnconfirmed(session(4, false))
    sessions.wipe()
    assert.equal(found(), '')
    assert.equal(sessions.current, null)
    assert.deepEqual(
      released.toSorted((a, b) => a - b),
      [1, 2, 3, 4],
    )
    sessions.wipe()
    assert.equal(released.length, 4)
  })
})
