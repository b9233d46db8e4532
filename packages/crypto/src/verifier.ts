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
  /**
   * Returns the verdicts, in order, without holding up the event loop for longer than one exact
   * check. The allowance goes to the items in their order, so the same input and allowance give the
   * same verdicts.
   */
  verifyBatchAsync(items: readonly SignedMessage[]): Promise<SignatureVerdict[]>
  /** How many exact checks it has done. */
  readonly slowChecks: number
}

const EXACT_CHECKS = { zip215: verifyZip215Exact, standard: verifyStandardExact } as const

/** Creates a verifier. */
export function createVerifier({ maxSlowChecks }: VerifierOptions): Verifier {
  let slowChecks = 0

  /** Decides what the machine has refused. */
  function exactVerdict(item: SignedMessage): SignatureVerdict {
    if (slowChecks >= maxSlowChecks) return 'unchecked'
    slowChecks++
    const isValid = EXACT_CHECKS[item.rule ?? 'zip215']
    return isValid(item.publicKey, item.message, item.signature) ? 'valid' : 'invalid'
  }

  function verify(item: SignedMessage): boolean {
    const { publicKey, message, signature } = item
    if (!couldBeValid(publicKey, signature)) return false
    if (platform.ed25519Verify(publicKey, message, signature)) return true
    const verdict = exactVerdict(item)
    if (verdict !== 'unchecked') return verdict === 'valid'
    throw new CryptoError(
      'slow-checks-exhausted',
      `Cannot verify signature: all ${maxSlowChecks} exact checks are used up`,
    )
  }

  return {
    verifyZip215(publicKey, message, signature) {
      return verify({ rule: 'zip215', publicKey, message, signature })
    },
    verifyStandard(publicKey, message, signature) {
      return verify({ rule: 'standard', publicKey, message, signature })
    },
    async verifyBatchAsync(items) {
      const verdicts = await quickVerdicts(items)
      for (const [index, item] of items.entries()) {
        if (verdicts[index] !== 'unchecked' || slowChecks >= maxSlowChecks) continue
        await platform.nextTurn()
        verdicts[index] = exactVerdict(item)
      }
      return verdicts
    },
    get slowChecks() {
      return slowChecks
    },
  }
}

/** What the machine says: its yes, and the cheap no; `unchecked` where only an exact check decides. */
async function quickVerdicts(items: readonly SignedMessage[]): Promise<SignatureVerdict[]> {
  const possible = items.filter((item) => couldBeValid(item.publicKey, item.signature))
  const answers = (await platform.ed25519VerifyMany(possible)).values()
  return items.map((item) => {
    if (!couldBeValid(item.publicKey, item.signature)) return 'invalid'
    return answers.next().value === true ? 'valid' : 'unchecked'
  })
}
