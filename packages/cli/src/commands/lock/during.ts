// SPDX-License-Identifier: Apache-2.0

/**
 * Naming the step in which the node said no.
 *
 * @module
 */

import { ProtocolError } from '@signet/protocol/local-api'
import { CliError } from '../../errors.ts'

/** Runs `act`; a refusal of the node gets `what` in front. @throws CliError denied, refused */
export async function during<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const code = error.code === 'api-denied' ? 'denied' : 'refused'
    throw new CliError(code, `${what}: ${error.message}`, { cause: error })
  }
}
