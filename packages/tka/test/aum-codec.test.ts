// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex, toHex } from '@signet/codec'
import { keyOf, signerOf } from '@signet/testkit/chain'
import {
  aumHash,
  aumHashText,
  aumParent,
  aumSigHash,
  cosignAum,
  decodeAum,
  encodeAum,
  EMPTY_STATE,
  encodeState,
  verifyAum,
  type Aum,
} from '../src/index.ts'
import { hashOfCanonicalAum, peekAumLink } from '../src/aum-codec.ts'
import { refusal } from './support/refuses.ts'
import {
  aumOf,
  keyWithMeta,
  REAL_GENESIS,
  signedAum,
  SOME_HASH,
  SOME_HASH_BYTES,
  STATE,
} from './support/samples.ts'

const PREV = `025820${'ab'.repeat(32)}`

/** Decodes hex in which spaces only help the reader. */
function decode(hex: string): Aum {
  return decodeAum(fromHex(hex.replaceAll(' ', '')))
}

function encode(aum: Partial<Aum>): string {
  return toHex(encodeAum(aumOf(aum)))
}

describe('encodeAum()', () => {
  // Written by hand from the structure, 2026-11-22.
  const golden: [string, Partial<Aum>, string][] = [
    ['Q1: no parent is null', { prev: null }, 'a2 0103 02f6'],
    ['a parent', {}, `a2 0103 ${PREV}`],
    ['Q2: an empty key id is left out', { keyId: new Uint8Array(0) }, `a2 0103 ${PREV}`],
    ['a key id', { keyId: Uint8Array.of(9) }, `a3 0103 ${PREV} 044109`],
    ['no votes, which differs from zero votes', { votes: 0n }, `a3 0103 ${PREV} 0600`],
    ['Q8: votes of 64 bits', { votes: 2n ** 64n - 1n }, `a3 0103 ${PREV} 061bffffffffffffffff`],
    ['Q2: empty metadata is left out', { meta: new Map() }, `a2 0103 ${PREV}`],
    [
      'Q3: metadata by length, then by bytes',
      {
        meta: new Map([
          ['b', '1'],
          ['aa', '2'],
          ['é', '4'],
          ['a', '3'],
        ]),
      },
      `a3 0103 ${PREV} 07a4 6161 6133 6162 6131 626161 6132 62c3a9 6134`,
    ],
    ['Q2: an empty list of signatures is left out', { signatures: [] }, `a2 0103 ${PREV}`],
    [
      'Q2: absent parts of a signature are null',
      { signatures: [{ keyId: Uint8Array.of(1), signature: null }] },
      `a3 0103 ${PREV} 1781 a2 014101 02f6`,
    ],
    [
      'Q2: empty metadata of a key is left out',
      { key: { ...keyWithMeta('x', {}), public: null } },
      `a3 0103 ${PREV} 03a3 0101 0201 03f6`,
    ],
    [
      'a key without a public key, and with metadata',
      { key: { ...keyWithMeta('x', { a: 'b' }), public: null } },
      `a3 0103 ${PREV} 03a4 0101 0201 03f6 0ca1 6161 6162`,
    ],
    [
      'Q2: absent lists of a state are null',
      { state: EMPTY_STATE },
      `a3 0103 ${PREV} 05a3 01f6 02f6 03f6`,
    ],
    [
      'Q2: empty lists of a state are lists',
      { state: { ...EMPTY_STATE, disablementValues: [], keys: [] } },
      `a3 0103 ${PREV} 05a3 01f6 0280 0380`,
    ],
    [
      'Q8: a state with its hash, a null value, and ids of 64 bits',
      {
        state: {
          lastAumHash: SOME_HASH,
          disablementValues: [null, Uint8Array.of(1)],
          keys: null,
          stateId1: 2n ** 64n - 1n,
          stateId2: 1n,
        },
      },
      `a3 0103 ${PREV} 05a5 015820${'ab'.repeat(32)} 0282f64101 03f6 041bffffffffffffffff 0501`,
    ],
    ['a kind from the future', { kind: 255 }, `a2 0118ff ${PREV}`],
  ]
  for (const [name, aum, hex] of golden) {
    test(name, () => {
      assert.equal(encode(aum), hex.replaceAll(' ', ''))
      assert.equal(toHex(encodeAum(decode(hex))), hex.replaceAll(' ', ''))
    })
  }

  test('refuses two names that differ in broken surrogates only', () => {
    const meta = new Map([
      ['\ud800', 'a'],
      ['\udbff', 'b'],
    ])
    assert.throws(() => encodeAum(aumOf({ meta })), refusal('malformed'))
  })

  test('encodeState() writes what is inside an update', () => {
    const inside = toHex(encodeState(STATE))
    assert.ok(encode({ state: STATE }).includes(inside))
  })
})

describe('aumHash()', () => {
  test('Q1: of the first update of a real network', () => {
    const genesis = decodeAum(REAL_GENESIS)
    assert.equal(REAL_GENESIS.length, 558)
    assert.deepEqual(encodeAum(genesis), REAL_GENESIS)
    assert.equal(
      aumHash(genesis),
      '4a6313e0cd0d696c7ff9c737ea6fa3abcf77e382e9df0c834f3d1e16b3baeea8',
    )
    assert.equal(
      aumHashText(aumHash(genesis)),
      'JJRRHYGNBVUWY77ZY436U35DVPHXPY4C5HPQZA2PHUPBNM5252UA',
    )
  })

  test('Q6: aumSigHash() is without signatures, and aumHash() with them', () => {
    const genesis = decodeAum(REAL_GENESIS)
    assert.equal(
      toHex(aumSigHash(genesis)),
      'f34f12d83807a70bd9d7c5bef557ebfa453846cdfff1ce5c60d18d7a9facf325',
    )
    assert.equal(aumHash({ ...genesis, signatures: null }), toHex(aumSigHash(genesis)))
  })

  test('Q7: a second signature changes the hash, and not what is signed', () => {
    const once = signedAum()
    const twice = cosignAum(once, signerOf('bob'))
    assert.notEqual(aumHash(once), aumHash(twice))
    assert.deepEqual(aumSigHash(once), aumSigHash(twice))
  })

  test('aumSigHash() returns bytes of the caller’s own', () => {
    const aum = signedAum()
    aumSigHash(aum).fill(0)
    assert.notDeepEqual(aumSigHash(aum), new Uint8Array(32))
  })

  const spellings: [string, string][] = [
    ['keys out of order', `a2 ${PREV} 0103`],
    ['Q4: an unknown key', `a3 0103 ${PREV} 1863 00`],
    ['Q4: an unknown key with structure', `a3 0103 ${PREV} 1863 a1 6161 82 01 f5`],
    ['an unknown text key', `a3 0103 ${PREV} 6161 00`],
    ['a negative key', `a3 0103 ${PREV} 20 00`],
    ['Q4: a number that is not shortest', `a2 011803 ${PREV}`],
    ['a key that is not shortest', `a2 180103 ${PREV}`],
    ['a length that is not shortest', `a2 0103 02590020${'ab'.repeat(32)}`],
    ['Q11: a text key', `a2 613103 ${PREV}`],
    ['Q16: a simple value as number', `a2 01e3 ${PREV}`],
    ['Q16: a long simple value', `a3 0103 ${PREV} 1863 f820`],
    ['Q16: an array of numbers as bytes', `a2 0103 02 9820 ${'18ab'.repeat(32)}`],
    ['empty metadata, and null ones', `a4 0103 ${PREV} 03f6 07a0`],
  ]
  for (const [name, hex] of spellings) {
    test(`Q4: is the same for another spelling: ${name}`, () => {
      assert.equal(aumHash(decode(hex)), aumHash(aumOf()))
      assert.equal(toHex(encodeAum(decode(hex))), encode({}))
    })
  }

  test('Q5: an unknown key does not break a signature, and is not sent on', () => {
    const aum = signedAum()
    const bytes = encodeAum(aum)
    const withUnknown = new Uint8Array([0xa4, ...bytes.subarray(1), 0x18, 0x63, 0x05])
    assert.equal(bytes[0], 0xa3)
    const decoded = decodeAum(withUnknown)
    verifyAum(decoded, STATE)
    assert.deepEqual(encodeAum(decoded), bytes)
  })
})

describe('decodeAum()', () => {
  test('Q12: null is the zero value of every field', () => {
    const nulls = decode('a8 01f6 02f6 03f6 04f6 05f6 06f6 07f6 17f6')
    assert.deepEqual(nulls, aumOf({ kind: 0, prev: null }))
    assert.deepEqual(decode('f6'), aumOf({ kind: 0, prev: null }))
    assert.deepEqual(decode('f7'), aumOf({ kind: 0, prev: null }))
    assert.deepEqual(decode('a0'), aumOf({ kind: 0, prev: null }))
  })

  test('Q12: null votes of a key are zero votes', () => {
    assert.equal(decode('a2 0101 03a3 0101 02f6 03f6').key?.votes, 0n)
  })

  test('null elements: a zero key, a zero signature, no value', () => {
    const aum = decode('a2 05a2 0281f6 0381f6 1781f6')
    assert.deepEqual(aum.state?.disablementValues, [null])
    assert.deepEqual(aum.state?.keys, [{ kind: 0, votes: 0n, public: null, meta: null }])
    assert.deepEqual(aum.signatures, [{ keyId: null, signature: null }])
  })

  test('tells null from empty', () => {
    const aum = decode('a4 0240 0440 07a0 1780')
    assert.deepEqual(aum.prev, new Uint8Array(0))
    assert.deepEqual(aum.keyId, new Uint8Array(0))
    assert.deepEqual(aum.meta, new Map())
    assert.deepEqual(aum.signatures, [])
  })

  test('Q9: keeps a byte order mark, and __proto__', () => {
    const aum = decode(
      `a1 07a2 6161 64efbbbf41 69${toHex(new TextEncoder().encode('__proto__'))} 6178`,
    )
    assert.equal(aum.meta?.get('a'), '\ufeffA')
    assert.equal(aum.meta?.get('__proto__'), 'x')
    assert.ok(toHex(encodeAum(aum)).includes('64efbbbf41'))
  })

  test('Q16: the hash of a state is cut or filled to 32 bytes', () => {
    const short = decode(`a1 05a1 01581f${'ab'.repeat(31)}`)
    assert.equal(short.state?.lastAumHash, `${'ab'.repeat(31)}00`)
    const long = decode(`a1 05a1 015821${'ab'.repeat(33)}`)
    assert.equal(long.state?.lastAumHash, 'ab'.repeat(32))
  })

  test('Q8: numbers keep all 64 bits', () => {
    const aum = decode('a2 05a1 041bffffffffffffffff 061bfffffffffffffffe')
    assert.equal(aum.state?.stateId1, 2n ** 64n - 1n)
    assert.equal(aum.votes, 2n ** 64n - 2n)
  })

  test('copies: the input may change afterwards', () => {
    const bytes = encodeAum(aumOf())
    const aum = decodeAum(bytes)
    bytes.fill(0xff)
    assert.deepEqual(aum.prev, SOME_HASH_BYTES)
  })

  test('Q14: 4096 signatures decode', () => {
    assert.equal(decode(`a1 17991000 ${'f6'.repeat(4096)}`).signatures?.length, 4096)
  })

  const deep = (levels: number): string => `a1 1863 ${'81'.repeat(levels - 2)}80`
  test('Q13: 16 containers inside each other decode', () => {
    decode(deep(16))
  })

  const refused: [string, string][] = [
    ['nothing', ''],
    ['Q15: a byte behind', `a2 0103 ${PREV} 00`],
    ['a byte missing', `a2 0103 ${PREV.slice(0, -2)}`],
    ['a map that ends early', `a3 0103 ${PREV}`],
    ['an array', '80'],
    ['a number', '05'],
    ['a string of bytes', '40'],
    ['true', 'f5'],
    ['Q11: a key twice', 'a2 0103 0103'],
    ['Q11: an unknown key twice', 'a2 186300 186300'],
    ['Q11: a key as number and as text', 'a2 0103 613103'],
    ['Q11: metadata that names twice', 'a1 07a2 61616162 61616163'],
    ['Q13: 17 containers inside each other', deep(17)],
    ['Q14: 4097 signatures', `a1 17991001 ${'f6'.repeat(4097)}`],
    ['Q14: an array that claims to be endless', 'a1 179bffffffffffffffff'],
    ['Q14: a map that claims to be endless', 'bbffffffffffffffff'],
    ['Q14: bytes that claim to be endless', 'a1 025bffffffffffffffff'],
    ['Q15: a tag around everything', 'd9d9f7 a10103'],
    ['Q15: a tag inside', 'a1 01c103'],
    ['Q15: a tag inside an unknown value', 'a1 186381c103'],
    ['Q15: bytes of indefinite length', 'a1 025f4100ff'],
    ['Q15: a map of indefinite length', 'bf0103ff'],
    ['a reserved head', 'a1 011c'],
    ['a simple value that is not well-formed', 'a1 01f803'],
    ['Q17: a negative kind', 'a1 0120'],
    ['Q17: a float', 'a1 01f94000'],
    ['Q17: a bool', 'a1 01f4'],
    ['Q17: kind 256', 'a1 01190100'],
    ['text for bytes', 'a1 026161'],
    ['bytes for text', 'a1 07a1 4161 4161'],
    ['a map for bytes', 'a1 02a0'],
    ['256 in an array for bytes', 'a1 0281190100'],
    ['Q9: metadata that is not UTF-8', 'a1 07a1 616161ff'],
    ['a key that is bytes', 'a1 410103'],
    ['a key that is null', 'a1 f603'],
    ['a key that is not UTF-8', 'a1 61ff03'],
  ]
  for (const [name, hex] of refused) {
    test(`refuses ${name}`, () => assert.throws(() => decode(hex), refusal('malformed')))
  }
})

describe('peekAumLink()', () => {
  const samples: [string, Partial<Aum>][] = [
    ['a parent', {}],
    ['no parent', { prev: null }],
    ['an empty parent', { prev: new Uint8Array(0) }],
    ['a short parent', { prev: new Uint8Array(31).fill(1) }],
    ['a long parent', { prev: new Uint8Array(33).fill(1) }],
    ['a parent of 300 bytes', { prev: new Uint8Array(300).fill(1) }],
    ['kind 23', { kind: 23 }],
    ['kind 24', { kind: 24 }],
    ['kind 255', { kind: 255 }],
    ['every field', { key: keyOf('x'), keyId: new Uint8Array(1), state: STATE, votes: 1n }],
  ]
  for (const [name, fields] of samples) {
    test(`reads what decoding would find: ${name}`, () => {
      const aum = aumOf(fields)
      const bytes = encodeAum(aum)
      assert.deepEqual(peekAumLink(bytes), { kind: aum.kind, parent: aumParent(aum) })
      assert.equal(hashOfCanonicalAum(bytes), aumHash(aum))
    })
  }

  test('refuses what does not decode', () => {
    assert.throws(() => peekAumLink(Uint8Array.of(0xa2, 1, 3, 2, 0x58, 32)), refusal('malformed'))
    assert.throws(() => peekAumLink(new Uint8Array(0)), refusal('malformed'))
  })
})
