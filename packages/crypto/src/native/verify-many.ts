// SPDX-License-Identifier: Apache-2.0

/**
 * Verification of many signatures without holding up the event loop.
 *
 * Without libsodium all of them go to the thread pool. With it this thread alone is as fast as two
 * of the pool, so it takes most of them itself, for a few milliseconds in each turn of the event
 * loop, while the pool works on the rest.
 *
 * @module
 */

import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import type { RawSignature } from '../platform.ts'
import { verifyNative, verifyNativeAsync } from './ed25519.ts'
import type { Sodium } from './sodium.ts'

/**
 * How many verifications are under way in the pool at once: enough to keep every thread of it busy
 * while the event loop does something else, few enough that file operations, which share the pool,
 * wait for milliseconds only.
 */
const POOL_WINDOW = 64

/** How long this thread verifies in one turn of the event loop. */
const SLICE_MS = 4

/** Fewer than these are not worth waking the pool. */
const MIN_FOR_POOL = 32

/** How much of a batch the pool has done by the time that this thread has done the rest. */
const POOL_SHARE = availableParallelism() > 1 ? 0.28 : 0

/** Verifies in the pool. */
export async function verifyManyInPool(items: readonly RawSignature[]): Promise<boolean[]> {
  const answers: boolean[] = []
  const queue = items.entries()
  async function lane(): Promise<void> {
    // All lanes take from one queue.
    for (const [index, { publicKey, message, signature }] of queue) {
      answers[index] = await verifyNativeAsync(publicKey, message, signature)
    }
  }
  await Promise.all(Array.from({ length: Math.min(POOL_WINDOW, items.length) }, lane))
  return answers
}

/** Verifies here and in the pool. */
export async function verifyManyWithSodium(
  sodium: Sodium,
  items: readonly RawSignature[],
): Promise<boolean[]> {
  const share = items.length < MIN_FOR_POOL ? 0 : Math.floor(items.length * POOL_SHARE)
  const inPool = verifyManyInPool(items.slice(0, share))
  const here = await verifyInSlices(sodium, items.slice(share))
  return [...(await inPool), ...here]
}

async function verifyInSlices(sodium: Sodium, items: readonly RawSignature[]): Promise<boolean[]> {
  const answers: boolean[] = []
  while (answers.length < items.length) {
    await ownTurn()
    const end = performance.now() + SLICE_MS
    for (const { publicKey, message, signature } of items.slice(answers.length)) {
      answers.push(verifyWithSodium(sodium, publicKey, message, signature))
      if (performance.now() >= end) break
    }
  }
  return answers
}

/** Says whether either library accepts a signature. */
export function verifyWithSodium(
  sodium: Sodium,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return (
    sodium.crypto_sign_verify_detached(signature, message, publicKey) ||
    verifyNative(publicKey, message, signature)
  )
}

let lastTurn: Promise<void> = Promise.resolve()

/** Resolves in a turn of the event loop that no other batch has a slice in. */
function ownTurn(): Promise<void> {
  lastTurn = lastTurn.then(() => setImmediate())
  return lastTurn
}
