// SPDX-License-Identifier: Apache-2.0

/**
 * The helper thread of a queue of verifications: started when the queue is long, ended when there
 * has been nothing to do for a while. What it was given and did not answer goes back.
 *
 * @module
 */

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { RawSignature } from '../platform.ts'
import { packSignatures } from './signature-pack.ts'

/** Below this many a thread is not worth starting: this thread has done them before it runs. */
const START_AT = 256

/** How many it gets at once: some milliseconds of work. */
const CHUNK = 96

/** Chunks that it has at once, so that it does not wait for this thread between two of them. */
const CHUNKS_AHEAD = 2

/** How long an idle thread is kept. */
const IDLE_MS = 10_000

/** A second thread that takes from a queue. */
export interface VerifyHelper {
  /** Gives it work, when it has none and there is enough. */
  feed(): void
}

/** Creates a helper for a queue; its answers, each for one job, come to `onAnswer`. */
export function createVerifyHelper<Job extends { readonly item: RawSignature }>(
  queue: Job[],
  onAnswer: (job: Job, isValid: boolean) => void,
): VerifyHelper {
  let worker: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  const given: Job[][] = []
  // One core has nothing to give, and a thread that failed once would fail again.
  let isUseful = availableParallelism() > 1

  const lose = (): void => {
    worker = undefined
    isUseful = false
    for (const job of given.splice(0).flat()) onAnswer(job, false)
  }

  const start = (): Worker => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const url = new URL(`./verify-thread.${extension}`, import.meta.url)
    const started = new Worker(url, { execArgv: [] })
    started.unref()
    started.on('message', (answers: Uint8Array) => {
      const jobs = given.shift() ?? []
      feed()
      if (given.length === 0) rest(started)
      for (const [index, job] of jobs.entries()) onAnswer(job, answers[index] === 1)
    })
    started.once('error', lose)
    return started
  }

  /** A thread with nothing to do does not keep the process alive. */
  const rest = (idler: Worker): void => {
    idler.unref()
    idle = setTimeout(() => {
      idler.off('error', lose)
      worker = undefined
      void idler.terminate()
    }, IDLE_MS).unref()
  }

  const feed = (): void => {
    if (!isUseful || queue.length < (worker ? CHUNK : START_AT)) return
    worker ??= start()
    clearTimeout(idle)
    worker.ref()
    while (given.length < CHUNKS_AHEAD && queue.length >= CHUNK) {
      const jobs = queue.splice(-CHUNK)
      given.push(jobs)
      const packed = packSignatures(jobs.map(({ item }) => item))
      worker.postMessage(packed, [packed.buffer])
    }
  }

  return { feed }
}
