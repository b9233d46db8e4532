// SPDX-License-Identifier: Apache-2.0

/**
 * Verification of many signatures without holding up the event loop.
 *
 * Without libsodium all of them go to the thread pool. With it a call costs this thread hardly more
 * than handing it to the pool would: this thread verifies for a few milliseconds in each turn of
 * the event loop, and when many are waiting a helper thread takes from the same queue.
 *
 * @module
 */

import { setImmediate } from 'node:timers/promises'
import type { RawSignature } from '../platform.ts'
import { verifyNative, verifyNativeAsync } from './ed25519.ts'
import type { Sodium } from './sodium.ts'
import { createVerifyHelper } from './verify-helper.ts'

/**
 * How many verifications of one batch are under way in the pool at once: enough to keep every
 * thread of it busy while the event loop does something else, few enough that file operations,
 * which share the pool, wait for milliseconds only.
 */
const POOL_WINDOW = 32

/** How long this thread verifies in one turn of the event loop. */
const SLICE_MS = 3

/** Verifies many, in order. */
export type VerifyMany = (items: readonly RawSignature[]) => Promise<boolean[]>

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

interface Batch {
  readonly answers: boolean[]
  missing: number
  readonly resolve: (answers: boolean[]) => void
}

interface Job {
  readonly item: RawSignature
  readonly batch: Batch
  readonly index: number
}

/** Creates a queue that this thread works on, and a helper when it is long. */
export function createSodiumQueue(sodium: Sodium): VerifyMany {
  const queue: Job[] = []
  let isWorking = false

  const settle = ({ batch, index }: Job, isValid: boolean): void => {
    batch.answers[index] = isValid
    batch.missing--
    if (batch.missing === 0) batch.resolve(batch.answers)
  }

  const helper = createVerifyHelper<Job>(queue, (job, isValid) => {
    if (isValid) settle(job, true)
    else {
      // Its no decides nothing, here as everywhere.
      queue.push(job)
      void work()
    }
  })

  async function work(): Promise<void> {
    if (isWorking) return
    isWorking = true
    while (queue.length > 0) {
      await setImmediate()
      helper.feed()
      const end = performance.now() + SLICE_MS
      for (let job = queue.pop(); job !== undefined; job = queue.pop()) {
        const { publicKey, message, signature } = job.item
        settle(job, verifyWithSodium(sodium, publicKey, message, signature))
        if (performance.now() >= end) break
      }
    }
    isWorking = false
  }

  return (items) =>
    new Promise((resolve) => {
      if (items.length === 0) resolve([])
      const batch: Batch = { answers: [], missing: items.length, resolve }
      for (const [index, item] of items.entries()) queue.push({ item, batch, index })
      void work()
    })
}
