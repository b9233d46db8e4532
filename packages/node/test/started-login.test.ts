// SPDX-License-Identifier: Apache-2.0

/**
 * Start and login, in each order that they can meet in.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createFakeClock } from '@signet/testkit'
import { createStartedLogin } from '../src/started-login.ts'

const create = () => {
  const clock = createFakeClock()
  return { clock, login: createStartedLogin(clock) }
}
const nothing = { kind: 'nothing' }

describe('createStartedLogin()', () => {
  test('is the login that is asked for, if it brings a new key, before or after', () => {
    const { login } = create()
    login.started('key')
    assert.deepEqual(login.asked(), nothing)
    assert.equal(login.over(true), null)
    login.started('key')
    assert.equal(login.over(true), null)
    assert.deepEqual(login.asked(), nothing)
    assert.deepEqual(login.asked(), { kind: 'begin', authKey: '' }, 'once')
  })

  test('has another begin with its key, if the node key stayed the same', () => {
    const { login } = create()
    login.started('key')
    assert.deepEqual(login.asked(), nothing)
    assert.equal(login.over(false), 'key')
    assert.equal(login.over(false), null, 'once')
    login.started('key')
    assert.equal(login.over(false), null)
    assert.deepEqual(login.asked(), { kind: 'begin', authKey: 'key' })
    assert.deepEqual(login.asked(), { kind: 'begin', authKey: '' }, 'once')
  })

  test('has nothing to do with a login that is asked for later, or after it failed', () => {
    const { clock, login } = create()
    login.started('key')
    clock.advance(29_999)
    assert.deepEqual(login.asked(), nothing)
    login.started('key')
    clock.advance(30_000)
    assert.deepEqual(login.asked(), { kind: 'begin', authKey: '' })
    login.started('key')
    login.forget()
    assert.deepEqual(login.asked(), { kind: 'begin', authKey: '' })
    login.started('')
    assert.deepEqual(login.asked(), { kind: 'begin', authKey: '' })
  })
})
