// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHex, toRawBase64 } from '@signet/codec'
import { lockPublicFromBytes, zeroLockPublic } from '@signet/keys'
import {
  authorizeNodeKey,
  createCredential,
  decodeNodeKeySignature,
  parseWrappedAuthKey,
  resignNodeKey,
  signByCredential,
  wrapAuthKey,
  type Credential,
} from '../src/index.ts'
import {
  bytesOf,
  credential as credentialSignature,
  direct,
  lockKey,
  nodeKey,
  rotation,
  trust,
} from './support/node-signatures.ts'
import { refusal } from './support/refuses.ts'

const trusted = lockKey(1)
const keys = trust(trusted)
const own = lockKey(3)
const credential = createCredential(trusted, new Uint8Array(32).fill(2))

describe('createCredential()', () => {
  test('lends the authority of a trusted key to a fresh key pair', () => {
    assert.deepEqual(credential.signature, credentialSignature(trusted, lockKey(2)))
    assert.equal(toHex(credential.privateKey), '02'.repeat(32) + toHex(lockKey(2).keyId))
  })
})

describe('parseWrappedAuthKey()', () => {
  test('reads what wrapAuthKey() wrote', () => {
    const text = wrapAuthKey('tskey-auth-kABC-1', credential)
    assert.deepEqual(parseWrappedAuthKey(text), { authKey: 'tskey-auth-kABC-1', credential })
  })

  const signature = toRawBase64(bytesOf(credential.signature))
  const secret = toRawBase64(credential.privateKey)

  const unreadable: readonly [name: string, text: string][] = [
    ['no marker', 'tskey-auth-k-1'],
    ['nothing', ''],
    ['the marker alone', '--TL'],
    ['a lower-case marker', `k--tl${signature}-${secret}`],
    ['no delimiter', `k--TL${signature}${secret}`],
    ['bad base64 in the signature', `k--TL*-${secret}`],
    ['bad base64 in the private key', `k--TL${signature}-*`],
    ['padding', `k--TL${signature}-${secret}==`],
    ['an extra dash in the private key', `k--TL${signature}-${secret}-x`],
    ['the URL alphabet', `k--TL${signature}-${secret.slice(0, -2)}_w`],
    ['an empty signature', `k--TL-${secret}`],
    ['a signature that is none', `k--TL${toRawBase64(Uint8Array.of(0xff))}-${secret}`],
    ['a byte after the signature', `k--TL${toRawBase64(Uint8Array.of(0xf6, 0))}-${secret}`],
  ]
  for (const [name, text] of unreadable) {
    test(`Q47: with ${name} the whole text is the auth key`, () => {
      assert.deepEqual(parseWrappedAuthKey(text), { authKey: text, credential: null })
    })
  }

  test('Q47: the first marker and the first delimiter after it count', () => {
    const twice = `k--TL${signature}-${secret}--TLx`
    assert.equal(parseWrappedAuthKey(twice).credential, null)
    assert.equal(parseWrappedAuthKey(`--TL${signature}-${secret}`).authKey, '')
  })

  test('Q47: line breaks inside are passed over', () => {
    const broken = `k--TL${signature.slice(0, 9)}\r\n${signature.slice(9)}-${secret}\n`
    assert.deepEqual(parseWrappedAuthKey(broken), { authKey: 'k', credential })
  })

  test('checks neither the kind of the signature nor the length of the key', () => {
    const odd = `k--TL${toRawBase64(Uint8Array.of(0xf6))}-${toRawBase64(Uint8Array.of(1))}`
    const parsed = parseWrappedAuthKey(odd)
    assert.equal(parsed.authKey, 'k')
    assert.equal(parsed.credential?.signature.sigKind, 0)
    assert.equal(parsed.credential?.privateKey.length, 1)
  })
})

describe('signByCredential()', () => {
  test('signs a node key in the name of the trusted key', () => {
    const bytes = signByCredential({ nodeKey: nodeKey(5), credential })
    const expected = rotation(nodeKey(5), credential.signature, lockKey(2))
    assert.deepEqual(decodeNodeKeySignature(bytes), expected)
    const details = authorizeNodeKey(keys, nodeKey(5), bytes).rotation
    assert.deepEqual(details?.previousNodeKeys, [])
    assert.throws(
      () => authorizeNodeKey(trust(own), nodeKey(5), bytes),
      refusal('signature-untrusted'),
    )
  })

  test('Q48: in the official form the node cannot change its key by itself', () => {
    const old = signByCredential({ nodeKey: nodeKey(5), credential })
    const next = resignNodeKey({ nodeKey: nodeKey(6), old, signer: own })
    assert.throws(() => authorizeNodeKey(keys, nodeKey(6), next), refusal('signature-invalid'))
  })

  test('Q48: carrying its own lock key, it can, forty times', () => {
    const rotationPublic = lockPublicFromBytes(own.keyId)
    let bytes = signByCredential({ nodeKey: nodeKey(100), credential, rotationPublic })
    authorizeNodeKey(keys, nodeKey(100), bytes)
    for (let step = 1; step <= 40; step++) {
      const key = nodeKey(100 + step)
      bytes = resignNodeKey({ nodeKey: key, old: bytes, signer: own })
      authorizeNodeKey(keys, key, bytes)
    }
  })

  test('leaves an all-zero lock key out', () => {
    const options = { nodeKey: nodeKey(5), credential }
    const plain = signByCredential(options)
    assert.deepEqual(signByCredential({ ...options, rotationPublic: zeroLockPublic }), plain)
  })

  const [seed, half] = [credential.privateKey.slice(0, 32), credential.privateKey.slice(32)]
  const refused: readonly [name: string, Credential, 'bad-text' | 'signature-structure'][] = [
    [
      'a direct signature',
      { ...credential, signature: direct(nodeKey(1), trusted, own) },
      'signature-structure',
    ],
    ['a private key of 32 bytes', { ...credential, privateKey: seed }, 'bad-text'],
    ['no private key', { ...credential, privateKey: new Uint8Array() }, 'bad-text'],
    [
      'halves that do not match',
      { ...credential, privateKey: new Uint8Array([...half, ...half]) },
      'bad-text',
    ],
  ]
  for (const [name, value, code] of refused) {
    test(`refuses ${name}`, () => {
      const sign = (): unknown => signByCredential({ nodeKey: nodeKey(5), credential: value })
      assert.throws(sign, refusal(code))
    })
  }
})
