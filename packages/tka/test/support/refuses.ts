// SPDX-License-Identifier: Apache-2.0

/** What a refusal looks like. */

import { TkaError, type TkaErrorCode } from '../../src/index.ts'

/** Matches a TkaError with this code, for `assert.throws` and `assert.rejects`. */
export function refusal(code: TkaErrorCode): (error: unknown) => true {
  return (error) => {
    if (error instanceof TkaError && error.code === code) return true
    throw error instanceof Error ? error : new Error(String(error))
  }
}
