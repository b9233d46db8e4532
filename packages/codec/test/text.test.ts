// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  CodecError,
  type CodecErrorCode,
  decodeUtf8,
  encodeUtf8,
  fromBase32,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromRawBase64,
  toBase32,
  toBase64,
  toBase64Url,
  toHex,
  toRawBase64,
} from '../src/index.ts'

const data = fc.uint8Array({ maxLength: 70 })
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

function refuses(code: CodecErrorCode, decode: (text: string) => unknown, texts: string[]): void {
  for (const text of texts) {
    assert.throws(
      () => decode(text),
      (error: unknown) => error instanceof CodecError && error.code === code,
      JSON.stringify(text),
    )
  }
}

test('toHex(), toBase64*() agree with Node for all bytes', () => {
  fc.assert(
    fc.property(data, (bytes) => {
      const buffer = Buffer.from(bytes)
      assert.equal(toHex(bytes), buffer.toString('hex'))
      assert.equal(toBase64(bytes), buffer.toString('base64'))
      assert.equal(toRawBase64(bytes), buffer.toString('base64').replaceAll('=', ''))
      assert.equal(toBase64Url(bytes), buffer.toString('base64url'))
    }),
  )
})

test('from*(to*(bytes)) gives the bytes back', () => {
  fc.assert(
    fc.property(data, (bytes) => {
      assert.deepEqual(fromHex(toHex(bytes)), bytes)
      assert.deepEqual(fromBase32(toBase32(bytes)), bytes)
      assert.deepEqual(fromBase64(toBase64(bytes)), bytes)
      assert.deepEqual(fromRawBase64(toRawBase64(bytes)), bytes)
      assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes)
    }),
  )
})

test('from*() of any text gives bytes or a CodecError', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme-ascii' }))
  fc.assert(
    fc.property(text, (text) => {
      for (const decode of [fromHex, fromBase32, fromBase64, fromRawBase64, fromBase64Url]) {
        try {
          assert.ok(decode(text) instanceof Uint8Array)
        } catch (error) {
          assert.ok(error instanceof CodecError, String(error))
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('fromHex() reads digits of either case', () => {
  assert.deepEqual(fromHex('00ffABab'), Uint8Array.of(0, 255, 171, 171))
  assert.deepEqual(fromHex(''), new Uint8Array(0))
})

test('fromHex() refuses what is no pair of digits', () => {
  refuses('bad-hex', fromHex, [
    '0',
    'abc',
    '0g',
    'g0',
    ' 0',
    '0 ',
    '0x',
    '\u0130\u0130',
    '00\n',
    '٠٠',
  ])
})

test('toBase32() and fromBase32() RFC 4648 section 10, without padding', () => {
  const cases = { '': '', f: 'MY', fo: 'MZXQ', foo: 'MZXW6', foob: 'MZXW6YQ', fooba: 'MZXW6YTB' }
  for (const [plain, text] of Object.entries(cases)) {
    assert.equal(toBase32(ascii(plain)), text)
    assert.deepEqual(fromBase32(text), ascii(plain))
  }
})

test('fromBase32() skips CR and LF, spare bits, and groups that no encoder makes', () => {
  assert.deepEqual(fromBase32('MZ\r\nXW\n6'), ascii('foo'))
  assert.deepEqual(fromBase32('MZ'), ascii('f'))
  assert.deepEqual(fromBase32('MZXW6YTBA'), ascii('fooba'))
  assert.deepEqual(fromBase32('MZXW6YTBMZX'), ascii('fooba'))
  assert.deepEqual(fromBase32('MZXW6YTBMZXW6Y'), ascii('fooba'))
})

test('fromBase32() refuses other characters', () => {
  refuses('bad-base32', fromBase32, [
    'my',
    'M1',
    'M0',
    'M8',
    'MY======',
    'M Y',
    'M\tY',
    'MÝ',
    'M\0',
  ])
})

interface HashTextCase {
  name: string
  text: string
  ok: boolean
  hash?: string
  canonicalText?: string
}

test('vectors/tka/aum-hash-text: fromBase32() into a zeroed hash', () => {
  const url = new URL('../../../vectors/tka/aum-hash-text.json', import.meta.url)
  const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: HashTextCase[] }
  for (const { name, text, ok, hash, canonicalText } of cases) {
    let actual: Uint8Array | null = null
    try {
      // The official parser demands the length of the text first, newlines counted.
      if (encodeUtf8(text).length === 52) {
        actual = new Uint8Array(32)
        actual.set(fromBase32(text))
      }
    } catch (error) {
      assert.ok(error instanceof CodecError)
      actual = null
    }
    assert.equal(actual && toHex(actual), ok ? hash : null, name)
    if (actual) assert.equal(toBase32(actual), canonicalText, name)
  }
})

test('fromBase64() skips CR and LF, and spare bits', () => {
  assert.deepEqual(fromBase64('Zm9v\r\nYg=\n=\r'), ascii('foob'))
  assert.deepEqual(fromBase64('Zh=='), ascii('f'))
  assert.deepEqual(fromBase64('Zm9='), ascii('fo'))
  assert.deepEqual(fromBase64('\n'), new Uint8Array(0))
})

test('fromBase64() refuses wrong padding and other characters', () => {
  refuses('bad-base64', fromBase64, [
    'Z',
    'Zg',
    'Zg=',
    'Zg===',
    'Zm8',
    'Zm8==',
    'Zm9v=',
    'Zm9v====',
    '=',
    '====',
    'Zg==Zg==',
    'Z=g=',
    'Zg= =',
    'Zm-v',
    'Zm_v',
    'Zm\tv',
    'Zmév',
  ])
})

test('fromRawBase64() is as lenient, without padding', () => {
  assert.deepEqual(fromRawBase64('Zm9v\nYh'), ascii('foob'))
  refuses('bad-base64', fromRawBase64, ['Z', 'Zg==', 'Zm9vZ', 'Zm9v=', 'Zm-v'])
})

test('fromBase64Url() has one text for each byte string', () => {
  assert.deepEqual(fromBase64Url('-_-_'), Uint8Array.of(0xfb, 0xff, 0xbf))
  refuses('bad-base64', fromBase64Url, ['Zh', 'Zm9', 'Zg==', 'Zm\n9v', 'Zm+v', 'Zm/v', 'Z'])
  const text = fc.string({
    unit: fc.constantFrom('A', 'Q', 'g', 'w', '-', '_', 'Z', '4', '\n', '='),
    maxLength: 9,
  })
  fc.assert(
    fc.property(text, (text) => {
      try {
        assert.equal(toBase64Url(fromBase64Url(text)), text)
      } catch (error) {
        assert.ok(error instanceof CodecError, String(error))
      }
    }),
    { numRuns: 500 },
  )
})

test('decodeUtf8() keeps a byte order mark, and refuses what is not UTF-8', () => {
  assert.equal(decodeUtf8(fromHex('efbbbf41')), '\ufeffA')
  assert.equal(decodeUtf8(new Uint8Array(0)), '')
  for (const bad of ['ff', 'c0af', 'eda080', 'f4908080', 'e282', '80']) {
    assert.throws(() => decodeUtf8(fromHex(bad)), { code: 'bad-utf8' }, bad)
  }
})

test('encodeUtf8() writes U+FFFD for a lone surrogate, and gives all other text back', () => {
  assert.equal(toHex(encodeUtf8('\ud800')), 'efbfbd')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(decodeUtf8(encodeUtf8(text)), text)
    }),
  )
})
