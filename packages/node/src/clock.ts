// SPDX-License-Identifier: Apache-2.0

/**
 * Time as the node sees it: passed in, so that tests advance it instead of waiting for it.
 *
 * @module
 */

/** The present time, and being called later. */
export type Clock = {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  readonly schedule: (delayMs: number, run: () => void) => () => void
}

/** The computer's clock. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  },
}

/** Waits, or rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal))
      return
    }
    const onAbort = (): void => {
      cancel()
      reject(abortReason(signal))
    }
    const cancel = clock.schedule(delayMs, () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** The reason a signal was aborted for, as an Error. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error
    ? signal.reason
    : new Error('Aborted', { cause: signal.reason })
}

/** Runs with a signal that is aborted with `late()` after a while, or with that of the owner. */
export async function withDeadline<T>(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
  late: () => Error,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const cancel = clock.schedule(delayMs, () => {
    deadline.abort(late())
  })
  try {
    return await run(AbortSignal.any([deadline.signal, signal]))
  } catch (error) {
    throw deadline.signal.aborted ? abortReason(deadline.signal) : error
  } finally {
    cancel()
  }
}
