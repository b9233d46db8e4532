// SPDX-License-Identifier: Apache-2.0

/**
 * Every primitive in one place, native under Node and portable elsewhere. No other package names a
 * primitive.
 *
 * @module
 */

// Hashes
export { blake2s256, blake2sKeyed, hkdfBlake2s, hmacBlake2s, hmacSha256, sha256 } from './hash.ts'
export { argon2i, type Argon2Options } from './argon2.ts'

// Signatures
export {
  ed25519PublicKey,
  ed25519Sign,
  isDecodablePoint,
  isSmallOrder,
  type SignatureRule,
  type SignedMessage,
  verifyStandard,
  verifyZip215,
  verifyZip215Async,
} from './ed25519.ts'
export {
  createVerifier,
  type SignatureVerdict,
  type Verifier,
  type VerifierOptions,
} from './verifier.ts'
export { isUncompressedP256Point } from './p256.ts'

// Key agreement and encryption
export { clampX25519, x25519PublicKey, x25519SharedSecret } from './x25519.ts'
export {
  type Aead,
  AEAD_TAG_LENGTH,
  createAead,
  xchacha20Poly1305Open,
  xchacha20Poly1305Seal,
} from './aead.ts'
export { BOX_OVERHEAD, boxOpen, boxSeal, boxSharedKey } from './box.ts'

// Comparison of secrets
export { constantTimeEqual } from './compare.ts'

// Errors
export { CryptoError, type CryptoErrorCode } from './errors.ts'
