// SPDX-License-Identifier: Apache-2.0

/**
 * Verification with an allowance. The exact check costs about fifteen times a native one, and a
 * stranger decides how often it is needed: each forged signature needs it. A verifier is made for
 * one piece of untrusted work (a map, a batch of updates) and stops checking when that work has
 * used up its allowance.
 *
 * @module
 */

import { platform } from '#platform'
import { couldBeValid, type SignedMessage } from './ed25519.ts'
import { verifyStandardExact, verifyZip215Exact } from './ed25519-exact.ts'
import { CryptoError } from './errors.ts'

/** Settings of a verifier. */
export interface VerifierOptions {
  /** How many exact checks it may do in its life. */
  readonly maxSlowChecks: number
}

/** `unchecked`: the allowance ran out first. To be treated as invalid, but never remembered as such. */
export type SignatureVerdict = 'valid' | 'invalid' | 'unchecked'

/** Verifies like the functions of the same names, within its allowance. */
export interface Verifier {
  /** @throws CryptoError `slow-checks-exhausted` */
  verifyZip215(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** @throws CryptoError `slow-checks-exhausted` */
  verifyStandard(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Verdicts under ZIP-215, in order, without holding up the event loop. Never rejects. */
  verifyBatchAsync(items: readonly SignedMessage[]): Promise<SignatureVerdict[]>
  /** How many exact checks it has done. */
  readonly slowChecks: number
}

type ExactCheck = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

/** How many native verifications are under way at once: enough to keep every pool thread busy. */
const BATCH_WINDOW = 64

/** Creates a verifier. */
export function createVerifier({ maxSlowChecks }: VerifierOptions): Verifier {
  let slowChecks = 0

  function exactly(exact: ExactCheck, item: SignedMessage): SignatureVerdict {
    if (slowChecks >= maxSlowChecks) return 'unchecked'
    slowChecks++
    return exact(item.publicKey, item.message, item.signature) ? 'valid' : 'invalid'
  }

  function verify(exact: ExactCheck, item: SignedMessage): boolean {
    const { publicKey, message, signature } = item
    if (!couldBeValid(publicKey, signature)) return false
    if (platform.ed25519Verify(publicKey, message, signature)) return true
    const verdict = exactly(exact, item)
    if (verdict !== 'unchecked') return verdict === 'valid'
    throw new CryptoError(
      'slow-checks-exhausted',
      `Cannot verify signature: ${maxSlowChecks} exact checks are used up`,
    )
  }

  async function verdictOf(item: SignedMessage): Promise<SignatureVerdict> {
    const { publicKey, message, signature } = item
    if (!couldBeValid(publicKey, signature)) return 'invalid'
    if (await platform.ed25519VerifyAsync(publicKey, message, signature)) return 'valid'
    return exactly(verifyZip215Exact, item)
  }

  return {
    verifyZip215(publicKey, message, signature) {
      return verify(verifyZip215Exact, { publicKey, message, signature })
    },
    verifyStandard(publicKey, message, signature) {
      return verify(verifyStandardExact, { publicKey, message, signature })
    },
    async verifyBatchAsync(items) {
      const verdicts: SignatureVerdict[] = items.map(() => 'unchecked')
      let next = 0
      async function lane(): Promise<void> {
        for (let i = next++; i < items.length; i = next++) {
          const item = items[i]
          if (item) verdicts[i] = await verdictOf(item)
        }
      }
      await Promise.all(Array.from({ length: BATCH_WINDOW }, lane))
      return verdicts
    },
    get slowChecks() {
      return slowChecks
    },
  }
}
