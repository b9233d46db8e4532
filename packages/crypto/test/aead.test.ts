// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AEAD_TAG_LENGTH,
  createAead,
  xchacha20Poly1305Open,
  xchacha20Poly1305Seal,
} from '../src/index.ts'
import { ascii, bytes, flipBit, hex } from './bytes.ts'

const SUNSCREEN = ascii(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
    'sunscreen would be it.',
)
const KEY = bytes('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
const AD = bytes('50515253c0c1c2c3c4c5c6c7')

// RFC 8439 section 2.8.2
const NONCE = bytes('070000004041424344454647')
const SEALED = bytes(`
  d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6
  3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36
  92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
  3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691`)

// draft-irtf-cfrg-xchacha-03 appendix A.3.1
const XNONCE = bytes('404142434445464748494a4b4c4d4e4f5051525354555657')
const XSEALED = bytes(`
  bd6d179d3e83d43b9576579493c0e939 572a1700252bfaccbed2902c21396cbb
  731c7f1b0b4aa6440bf3a82f4eda7e39 ae64c6708c54c216cb96b72e1213b452
  2f8c9ba40db5d945b11b69b982c1bb9e 3f3fac2bc369488f76b2383565d3fff9
  21f9664c97637da9768812f615c68b13 b52e c0875924c1c7987947deafd8780acf49`)

interface Cipher {
  name: string
  nonce: Uint8Array
  sealed: Uint8Array
  seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array
  open(nonce: Uint8Array, ad: Uint8Array, ciphertext: Uint8Array): Uint8Array | null
}

const CIPHERS: readonly Cipher[] = [
  { name: 'createAead()', nonce: NONCE, sealed: SEALED, ...createAead(KEY) },
  {
    name: 'xchacha20Poly1305*()',
    nonce: XNONCE,
    sealed: XSEALED,
    seal: (...args) => xchacha20Poly1305Seal(KEY, ...args),
    open: (...args) => xchacha20Poly1305Open(KEY, ...args),
  },
]

for (const { name, nonce, sealed, seal, open } of CIPHERS) {
  test(`${name} seals and opens its published vector`, () => {
    assert.equal(hex(seal(nonce, AD, SUNSCREEN)), hex(sealed))
    assert.deepEqual(open(nonce, AD, sealed), SUNSCREEN)
  })

  const rejections: Record<string, [Uint8Array, Uint8Array, Uint8Array]> = {
    'another nonce': [flipBit(nonce, 0), AD, sealed],
    'other associated data': [nonce, flipBit(AD, 11), sealed],
    'missing associated data': [nonce, new Uint8Array(0), sealed],
    'a changed first byte': [nonce, AD, flipBit(sealed, 0)],
    'a changed last byte of the text': [nonce, AD, flipBit(sealed, sealed.length - 17)],
    'a changed tag': [nonce, AD, flipBit(sealed, sealed.length - 1)],
    'a missing byte': [nonce, AD, sealed.subarray(0, -1)],
    'an extra byte': [nonce, AD, new Uint8Array([...sealed, 0])],
    'less than a tag': [nonce, AD, sealed.subarray(0, AEAD_TAG_LENGTH - 1)],
    nothing: [nonce, AD, new Uint8Array(0)],
  }
  for (const [what, args] of Object.entries(rejections)) {
    test(`${name} opens to null: ${what}`, () => {
      assert.equal(open(...args), null)
    })
  }

  test(`${name} seals nothing to a tag, which opens to nothing`, () => {
    const tag = seal(nonce, new Uint8Array(0), new Uint8Array(0))
    assert.equal(tag.length, AEAD_TAG_LENGTH)
    assert.deepEqual(open(nonce, new Uint8Array(0), tag), new Uint8Array(0))
  })

  test(`${name} demands a nonce of its length`, () => {
    const short = nonce.subarray(1)
    assert.throws(() => seal(short, AD, SUNSCREEN), { code: 'bad-length' })
    assert.throws(() => open(short, AD, sealed), { code: 'bad-length' })
  })
}

test('createAead() demands a key of 32 bytes, and keeps its own copy', () => {
  assert.throws(() => createAead(KEY.subarray(1)), { code: 'bad-length' })
  const key = new Uint8Array(KEY)
  const aead = createAead(key)
  key.fill(0)
  assert.equal(hex(aead.seal(NONCE, AD, SUNSCREEN)), hex(SEALED))
})
