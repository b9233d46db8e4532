// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeUtf8 } from '@signet/codec'
import {
  anyJson,
  encodeJson,
  MAX_JSON_DEPTH,
  type MapResponse,
  mapResponse,
  parseJson,
  parseMapResponse,
  parseRawJson,
  parseRegisterRequest,
  ProtocolError,
} from '../src/index.ts'

/** Code of the error, or the value. */
function outcome(input: string | Uint8Array): string | MapResponse {
  try {
    return parseMapResponse(input)
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    return error.code
  }
}

describe('parseJson() refuses', () => {
  const rows: [string, string, string][] = [
    ['nothing', '', 'syntax'],
    ['white space only', ' \n', 'syntax'],
    ['half a literal', 'nul', 'syntax'],
    ['an open object', '{"Domain":"a"', 'syntax'],
    ['an open text', '{"Domain":"a', 'syntax'],
    ['a name without quotes', '{Domain:"a"}', 'syntax'],
    ['a missing colon', '{"Domain" "a"}', 'syntax'],
    ['a missing comma', '{"Domain":"a" "Seq":1}', 'syntax'],
    ['a trailing comma in a list', '{"Health":["a",]}', 'syntax'],
    ['a comma at the start', '{,"Seq":1}', 'syntax'],
    ['an unknown escape', '{"Domain":"\\x41"}', 'syntax'],
    ['a short unicode escape', '{"Domain":"\\u12"}', 'syntax'],
    ['a raw control character after an escape', '{"Domain":"\\n\n"}', 'syntax'],
    ['an escape at the end', '{"Domain":"\\', 'syntax'],
    ['a leading zero', '{"Seq":01}', 'syntax'],
    ['a plus sign', '{"Seq":+1}', 'syntax'],
    ['a bare minus', '{"Seq":-}', 'type'],
    ['NaN', '{"Seq":NaN}', 'syntax'],
    ['a fraction without digits', '{"Zzz":1.}', 'syntax'],
    ['an exponent without digits', '{"Zzz":1e}', 'syntax'],
    ['two values', '{} {}', 'syntax'],
    ['a byte-order mark', '\ufeff{}', 'syntax'],
    ['a text for an object', '"x"', 'type'],
    ['an object for a list', '{"Health":{}}', 'type'],
    ['a list for an object', '{"Node":[]}', 'type'],
    ['a text for a truth value', '{"KeepAlive":"true"}', 'type'],
    ['a fraction for an integer', '{"Seq":1.0}', 'type'],
    ['an exponent for an integer', '{"Seq":1e0}', 'type'],
    ['a number beyond doubles', '{"DERPMap":{"HomeParams":{"RegionScore":{"1":1e999}}}}', 'value'],
    ['an integer beyond 64 bits', '{"Seq":-9223372036854775809}', 'value'],
    ['an integer of a hundred digits', `{"Seq":${'9'.repeat(100)}}`, 'value'],
    ['an id beyond 2^53', '{"PeersRemoved":[9007199254740992]}', 'value'],
    ['an id beyond 2^53 as map key', '{"OnlineChange":{"9007199254740992":true}}', 'value'],
    ['a fraction as map key', '{"OnlineChange":{"1.5":true}}', 'type'],
    ['a wrong byte', '{"Node":{"KeySignature":[256]}}', 'value'],
    ['half a literal inside an unknown member', '{"Zzz":[1,{"a":tru}]}', 'type'],
    ['bad JSON inside an unknown member', '{"Zzz":[1,{"a":x}]}', 'syntax'],
  ]
  for (const [name, input, code] of rows) {
    test(name, () => {
      assert.equal(outcome(input), code)
      assert.equal(outcome(encodeUtf8(input)), code)
    })
  }
})

describe('parseJson() reads', () => {
  test('white space everywhere', () => {
    assert.deepEqual(outcome(' {\t"Domain" :\r\n"a" , "Health" : [ "x" , "y" ] } '), {
      Domain: 'a',
      Health: ['x', 'y'],
    })
  })

  test('every escape, and pairs of surrogates', () => {
    const value = outcome(String.raw`{"Domain":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`)
    assert.deepEqual(value, { Domain: '"\\/\b\f\n\r\té😀' })
  })

  test('each byte that is not UTF-8 as one replacement character, as Go does', () => {
    const cut = Uint8Array.of(...encodeUtf8('{"Domain":"a'), 0xe2, 0x82, 0xff, ...encodeUtf8('é"}'))
    assert.deepEqual(outcome(cut), { Domain: 'a\ufffd\ufffd\ufffdé' })
    for (const bad of [[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5]]) {
      const bytes = Uint8Array.of(...encodeUtf8('{"Domain":"'), ...bad, ...encodeUtf8('"}'))
      assert.deepEqual(outcome(bytes), { Domain: '\ufffd'.repeat(bad.length) })
    }
    const good = encodeUtf8('{"Domain":"é€😀')
    assert.deepEqual(outcome(Uint8Array.of(...good, 0xff, ...encodeUtf8('"}'))), {
      Domain: 'é€😀\ufffd',
    })
  })

  test('names in any case, the last of several', () => {
    assert.deepEqual(outcome('{"DOMAIN":"a","domain":"b","Domain":"c","dOmAiN":"d"}'), {
      Domain: 'd',
    })
    assert.deepEqual(outcome('{"\u212aeepAlive":true,"dn\u017fconfig":{}}'), {
      KeepAlive: true,
      DNSConfig: {},
    })
    // Other letters whose upper case is ASCII, or that look like it, are other names.
    assert.deepEqual(outcome('{"Doma\u0131n":"a"}'), {})
  })

  test('integers exactly', () => {
    assert.deepEqual(outcome('{"Seq":9223372036854775807}'), { Seq: 9223372036854775807n })
    assert.deepEqual(outcome('{"Seq":-9223372036854775808}'), { Seq: -9223372036854775808n })
    assert.deepEqual(outcome('{"Seq":9007199254740991}'), { Seq: 9007199254740991 })
    assert.deepEqual(outcome('{"Seq":9007199254740993}'), { Seq: 9007199254740993n })
    assert.deepEqual(outcome('{"Seq":-0}'), { Seq: 0 })
  })

  test('keys that mean something to JavaScript as nothing but keys', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    for (const name of names) {
      const message = parseMapResponse(`{"PacketFilters":{"${name}":[]},"${name}":{"polluted":1}}`)
      assert.deepEqual(Object.keys(message.PacketFilters ?? {}), [name])
      assert.deepEqual(message.PacketFilters?.[name], [])
      assert.deepEqual(Object.keys(message), ['PacketFilters'])
      const tree = parseJson(anyJson, `{"${name}":{"polluted":1}}`)
      assert.deepEqual(Object.keys(tree as object), [name])
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    assert.equal(parseMapResponse('{"PacketFilters":{}}').PacketFilters?.['toString'], undefined)
  })
})

describe('MAX_JSON_DEPTH', () => {
  const nested = (depth: number): string =>
    `{"Zzz":${'['.repeat(depth - 1)}1${']'.repeat(depth - 1)}}`
  test('is the deepest that is read, known and unknown members alike', () => {
    assert.deepEqual(outcome(nested(MAX_JSON_DEPTH)), {})
    assert.equal(outcome(nested(MAX_JSON_DEPTH + 1)), 'too-deep')
    assert.equal(outcome(`{"Zzz":${'['.repeat(1_000_000)}`), 'too-deep')
    assert.equal(outcome(`{"Zzz":${'{"a":'.repeat(1_000_000)}`), 'too-deep')
  })
})

describe('encodeJson()', () => {
  test('escapes what Go escapes', () => {
    assert.equal(
      encodeJson(mapResponse, { Domain: '<&>\u2028\u2029"\\\b\f\n\u0001\u007fé' }),
      String.raw`{"Domain":"\u003c\u0026\u003e\u2028\u2029\"\\\b\f\n\u0001` + '\u007fé"}',
    )
  })

  test('sorts map keys by their bytes', () => {
    const PacketFilters = { b: [], a: [], '10': [], '9': [], '\uffff': [], '😀': [] }
    assert.equal(
      encodeJson(mapResponse, { PacketFilters }),
      '{"PacketFilters":{"10":[],"9":[],"a":[],"b":[],"\uffff":[],"😀":[]}}',
    )
  })

  test('refuses what has no text', () => {
    const rows: MapResponse[] = [
      { Seq: 1.5 },
      { Seq: 2n ** 63n },
      { PeersRemoved: [Number.NaN] },
      { PeersRemoved: [2 ** 53] },
      { ControlTime: 'yesterday' },
      { Debug: { SleepSeconds: Infinity } },
    ]
    for (const row of rows) {
      assert.throws(() => encodeJson(mapResponse, row), { name: 'ProtocolError' })
    }
  })

  test('takes the white space out of raw JSON, but not out of its texts', () => {
    const raw = parseRawJson(' { "a b" : [ 1.50 , " \\" x " ] } ')
    assert.equal(
      encodeJson(mapResponse, { PeersChangedPatch: [{ NodeID: 1, CapMap: { c: [raw] } }] }),
      '{"PeersChangedPatch":[{"NodeID":1,"CapMap":{"c":[{"a b":[1.50," \\" x "]}]}}]}',
    )
    assert.throws(() => parseRawJson('1 2'), { code: 'syntax' })
  })
})

test('a request without anything has zero keys, no time and no host', () => {
  const request = parseRegisterRequest('{}')
  assert.equal(request.NodeKey, `nodekey:${'0'.repeat(64)}`)
  assert.equal(request.Hostinfo, null)
  assert.equal(request.Expiry, '0001-01-01T00:00:00Z')
})
