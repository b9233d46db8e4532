// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeUtf8 } from '@signet/codec'
import { CookieIssuer, CookieJar, isMac1Valid, mac1Key } from '../src/cookie.ts'
import * as limits from '../src/limits.ts'
import { createSeededRandom } from './harness.ts'

const random = createSeededRandom(7)
const HERE = encodeUtf8('192.0.2.1:1')
const THERE = encodeUtf8('192.0.2.1:2')

function message(size = 148): Uint8Array {
  return random(size)
}

describe('CookieJar and CookieIssuer', () => {
  test('agree on mac1, and then on mac2 for one source address', () => {
    const responder = random(32)
    const issuer = new CookieIssuer(responder, random)
    const jar = new CookieJar(responder)
    const first = message()
    jar.complete(first, 0)
    assert.ok(issuer.isMac1Valid(first))
    assert.ok(isMac1Valid(first, mac1Key(responder)))
    assert.ok(!issuer.isMac2Valid(first, HERE, 0))
    jar.accept(issuer.reply(first, 1, HERE, 0), 0)
    const second = message(92)
    jar.complete(second, 1)
    assert.ok(issuer.isMac2Valid(second, HERE, 1))
    assert.ok(!issuer.isMac2Valid(second, THERE, 1))
    second[8] = (second[8] ?? 0) ^ 1
    assert.ok(!issuer.isMac1Valid(second))
    assert.ok(!issuer.isMac2Valid(second, HERE, 1))
  })

  test('forget a cookie after two minutes, each on its own', () => {
    const responder = random(32)
    const issuer = new CookieIssuer(responder, random)
    const jar = new CookieJar(responder)
    const first = message()
    jar.complete(first, 0)
    jar.accept(issuer.reply(first, 1, HERE, 0), 0)
    const inTime = message()
    jar.complete(inTime, limits.COOKIE_LIFETIME_MS)
    assert.ok(issuer.isMac2Valid(inTime, HERE, limits.COOKIE_LIFETIME_MS))
    assert.ok(!issuer.isMac2Valid(inTime, HERE, limits.COOKIE_LIFETIME_MS + 1))
    const late = message()
    jar.complete(late, limits.COOKIE_LIFETIME_MS + 1)
    assert.ok(late.subarray(-16).every((byte) => byte === 0))
  })

  test('do not accept a cookie twice, for another message, or from another responder', () => {
    const responder = random(32)
    const issuer = new CookieIssuer(responder, random)
    const jar = new CookieJar(responder)
    const sent = message()
    assert.throws(() => jar.accept(issuer.reply(sent, 1, HERE, 0), 0), {
      code: 'unexpected-cookie',
    })
    jar.complete(sent, 0)
    const other = message()
    assert.throws(() => jar.accept(issuer.reply(other, 1, HERE, 0), 0), { code: 'not-decryptable' })
    const stranger = new CookieIssuer(random(32), random)
    assert.throws(() => jar.accept(stranger.reply(sent, 1, HERE, 0), 0), {
      code: 'not-decryptable',
    })
    const reply = issuer.reply(sent, 1, HERE, 0)
    jar.accept(reply, 0)
    assert.throws(() => jar.accept(reply, 0), { code: 'unexpected-cookie' })
  })
})
