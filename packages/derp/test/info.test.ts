// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes, encodeUtf8 } from '@signet/codec'
import { boxSeal } from '@signet/crypto'
import {
  generateNodeKey,
  nodePublicBytes,
  nodePublicOf,
  parseDerpMeshKey,
  zeroNodePublic,
} from '@signet/keys'
import * as fc from 'fast-check'
import {
  type ClientInfo,
  DerpError,
  encodeClientInfo,
  encodeGreeting,
  encodeServerInfo,
  GreetingReader,
  MAX_CLIENT_INFO,
  MAX_GREETING,
  openClientInfo,
  openServerInfo,
  parseGreeting,
  sharedKeyOf,
} from '../src/index.ts'

const server = generateNodeKey()
const client = generateNodeKey()
const serverKey = nodePublicOf(server)
const clientKey = nodePublicOf(client)
const shared = sharedKeyOf(client, serverKey)
const nonce = new Uint8Array(24).fill(3)
const payloadOf = (frame: Uint8Array): Uint8Array => frame.slice(5)

/** An introduction with any text in its box. */
function introduce(json: string | Uint8Array, from = clientKey): Uint8Array {
  const text = typeof json === 'string' ? encodeUtf8(json) : json
  return concatBytes(nodePublicBytes(from), nonce, boxSeal(shared, nonce, text))
}

const plain: ClientInfo = {
  version: 2,
  canAckPings: true,
  isProber: false,
  appName: '',
  meshKey: null,
}

describe('openClientInfo()', () => {
  test('reads what encodeClientInfo() wrote', () => {
    const info = fc.record({
      version: fc.integer(),
      canAckPings: fc.boolean(),
      isProber: fc.boolean(),
      appName: fc.string(),
      meshKey: fc.constant(null),
    })
    fc.assert(
      fc.property(info, (value) => {
        const frame = encodeClientInfo({ clientKey: client, serverKey, nonce, info: value })
        const opened = openClientInfo(server, payloadOf(frame))
        // Records of fast-check have no prototype.
        assert.deepEqual(opened.info, { ...value })
        assert.equal(opened.clientKey, clientKey)
        assert.deepEqual(opened.sharedKey, shared)
      }),
      { numRuns: 20 },
    )
  })

  test('is as lenient as Go', () => {
    const none = { ...plain, version: 0, canAckPings: false }
    const accepted: readonly [string, ClientInfo][] = [
      ['null', none],
      ['{}', none],
      ['{"VERSION":7,"Later":[1]}', { ...none, version: 7 }],
      ['{"version":1,"version":2,"canackpings":true}', plain],
      ['{"meshKey":null,"version":null,"AppName":"x"}', { ...none, appName: 'x' }],
    ]
    for (const [json, info] of accepted) {
      assert.deepEqual(openClientInfo(server, introduce(json)).info, info, json)
    }
    const mesh = openClientInfo(server, introduce(`{"meshKey":"${'ab'.repeat(32)}"}`))
    assert.deepEqual(mesh.info.meshKey, parseDerpMeshKey('ab'.repeat(32)))
  })

  const good = payloadOf(encodeClientInfo({ clientKey: client, serverKey, nonce, info: plain }))
  const changed = good.slice()
  changed[60] = (changed[60] ?? 0) ^ 1
  const other = generateNodeKey()
  const rejected: readonly [name: string, payload: Uint8Array, code: string][] = [
    ['nothing', new Uint8Array(), 'bad-frame'],
    ['55 bytes', good.slice(0, 55), 'bad-frame'],
    ['56 bytes: no box', good.slice(0, 56), 'bad-box'],
    ['one byte beyond the limit', new Uint8Array(MAX_CLIENT_INFO + 1), 'too-large'],
    ['as long as the limit', new Uint8Array(MAX_CLIENT_INFO).fill(1), 'bad-box'],
    ['the zero key', concatBytes(new Uint8Array(32), good.slice(32)), 'zero-key'],
    ['somebody else as sender', introduce('{}', nodePublicOf(other)), 'bad-box'],
    ['a changed byte', changed, 'bad-box'],
    ['a byte too many', concatBytes(good, Uint8Array.of(0)), 'bad-box'],
    ['a byte too few', good.slice(0, -1), 'bad-box'],
    ['no JSON', introduce('x'), 'bad-info'],
    ['an empty text', introduce(''), 'bad-info'],
    ['no UTF-8', introduce(Uint8Array.of(0x22, 0xff, 0x22)), 'bad-info'],
    ['a list', introduce('[]'), 'bad-info'],
    ['a number', introduce('2'), 'bad-info'],
    ['a version that is a text', introduce('{"version":"2"}'), 'bad-info'],
    ['a version that is no integer', introduce('{"version":2.5}'), 'bad-info'],
    ['a flag that is a number', introduce('{"CanAckPings":1}'), 'bad-info'],
    ['a name that is a number', introduce('{"AppName":1}'), 'bad-info'],
    ['an empty mesh key', introduce('{"meshKey":""}'), 'bad-info'],
    ['a short mesh key', introduce(`{"meshKey":"${'ab'.repeat(31)}"}`), 'bad-info'],
  ]
  for (const [name, payload, code] of rejected) {
    test(`refuses ${name}`, () => {
      assert.throws(() => openClientInfo(server, payload), { name: 'DerpError', code })
    })
  }
})

describe('openServerInfo()', () => {
  test('reads what encodeServerInfo() wrote', () => {
    for (const info of [
      { version: 2, bytesPerSecond: 0, burst: 0 },
      { version: 0, bytesPerSecond: 1000, burst: 65_568 },
    ]) {
      assert.deepEqual(
        openServerInfo(shared, payloadOf(encodeServerInfo(shared, nonce, info))),
        info,
      )
    }
  })

  test('refuses what is short, long, sealed with another key, or not JSON', () => {
    const sealed = (key: Uint8Array, text: string): Uint8Array =>
      concatBytes(nonce, boxSeal(key, nonce, encodeUtf8(text)))
    const rows: readonly [Uint8Array, string][] = [
      [new Uint8Array(23), 'bad-frame'],
      [new Uint8Array(24 + 1024 * 1024), 'bad-box'],
      [new Uint8Array(24 + 1024 * 1024 + 1), 'too-large'],
      [sealed(new Uint8Array(32), '{}'), 'bad-box'],
      [sealed(shared, '{'), 'bad-info'],
      [sealed(shared, '{"TokenBucketBytesBurst":"1"}'), 'bad-info'],
    ]
    for (const [payload, code] of rows) {
      assert.throws(() => openServerInfo(shared, payload), { code })
    }
  })
})

describe('GreetingReader', () => {
  const greeting = encodeGreeting(serverKey)

  test('takes a greeting in any pieces and leaves the rest', () => {
    const stream = concatBytes(greeting, Uint8Array.of(6, 0, 0))
    for (let cut = 0; cut <= greeting.length; cut++) {
      const reader = new GreetingReader()
      const first = reader.push(stream.slice(0, cut))
      const found = first ?? reader.push(stream.slice(cut))
      assert.equal(found?.serverKey, serverKey)
      if (first === undefined) assert.deepEqual(found?.rest, Uint8Array.of(6, 0, 0))
    }
  })

  test('takes a greeting of a later version up to its limit', () => {
    const long = (length: number): Uint8Array => {
      const frame = new Uint8Array(5 + length)
      frame.set(greeting)
      new DataView(frame.buffer).setUint32(1, length)
      return frame
    }
    assert.equal(new GreetingReader().push(long(MAX_GREETING))?.serverKey, serverKey)
    assert.throws(() => new GreetingReader().push(long(MAX_GREETING + 1)), { code: 'bad-greeting' })
  })

  test('refuses the zero key, another type, other magic, and an end inside', () => {
    const zero = encodeGreeting(zeroNodePublic)
    assert.throws(() => new GreetingReader().push(zero), { code: 'zero-key' })
    assert.throws(() => parseGreeting(payloadOf(zero)), { code: 'zero-key' })
    for (const at of [0, 5, 12]) {
      const wrong = greeting.slice()
      wrong[at] = (wrong[at] ?? 0) ^ 1
      assert.throws(() => new GreetingReader().push(wrong), { code: 'bad-greeting' })
    }
    const reader = new GreetingReader()
    assert.equal(reader.push(greeting.slice(0, 44)), undefined)
    assert.throws(() => reader.end(), { code: 'truncated' })
    assert.throws(() => parseGreeting(greeting.slice(5, 44)), DerpError)
  })
})
