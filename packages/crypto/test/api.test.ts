// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '../src/index.ts'

test('@signet/crypto exports exactly this', () => {
  assert.deepEqual(Object.keys(api), [
    'AEAD_TAG_LENGTH',
    'BOX_OVERHEAD',
    'CryptoError',
    'argon2i',
    'blake2s256',
    'blake2sKeyed',
    'boxOpen',
    'boxSeal',
    'boxSharedKey',
    'clampX25519',
    'constantTimeEqual',
    'createAead',
    'createVerifier',
    'ed25519PublicKey',
    'ed25519Sign',
    'hkdfBlake2s',
    'hmacBlake2s',
    'hmacSha256',
    'isDecodablePoint',
    'isSmallOrder',
    'isUncompressedP256Point',
    'sha256',
    'verifyStandard',
    'verifyZip215',
    'verifyZip215Async',
    'x25519PublicKey',
    'x25519SharedSecret',
    'xchacha20Poly1305Open',
    'xchacha20Poly1305Seal',
  ])
})
