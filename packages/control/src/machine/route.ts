// SPDX-License-Identifier: Apache-2.0

/**
 * One thing that a node may ask.
 *
 * @module
 */

import type { ServerStream } from '@signet/ts2021'
import type { Answer, Caller } from './request.ts'
import type { MachineServices } from './services.ts'

/** What a path takes, and who serves it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** Bytes that the body may have. */
  readonly limit: number
  /** Returns an answer, or answers by itself and returns null. */
  readonly serve: (
    services: MachineServices,
    caller: Caller,
    body: Uint8Array,
    stream: ServerStream,
  ) => Answer | null | Promise<Answer | null>
}
