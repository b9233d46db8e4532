// SPDX-License-Identifier: Apache-2.0

/**
 * Recorded requests that are not sent, or sent a second time in other words, each for a reason.
 *
 * @module
 */

import type { Step } from './transcript.ts'

/** Why a request is not sent; null: it is. */
export function whyWithheld(step: Step): string | null {
  if (step.scenario === 'lock-errors' && step.path.startsWith('/machine/tka/')) {
    return 'the recording server was made to refuse what it would have done'
  }
  return null
}

/**
 * What is sent after a request that our server refuses on purpose; null for all others. The secret for
 * support is the one thing that a client may leave out without changing what it has signed.
 */
export function reworded({ path, request }: Step): string | null {
  if (path !== '/machine/tka/init/finish' || request['SupportDisablement'] === undefined)
    return null
  const { SupportDisablement: _refused, ...rest } = request
  return JSON.stringify(rest)
}
