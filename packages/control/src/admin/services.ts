// SPDX-License-Identifier: Apache-2.0

/**
 * What the admin API works with.
 *
 * @module
 */

import type { MachinePublic } from '@signet/keys'
import type { AdminCertificate, AdminRelay } from '@signet/protocol/admin-api'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Logins } from '../login/logins.ts'
import type { NodeCalls } from '../machine/node-calls.ts'
import type { TailnetRuntime } from '../machine/services.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { Steering } from '../guidance/live.ts'
import type { Tailnets } from '../tailnet/tailnets.ts'

/** Everything that an administrator may look at and change. */
export interface AdminServices {
  readonly tailnets: Tailnets
  readonly runtime: (tailnet: Tailnet) => Pick<TailnetRuntime, 'lock' | 'sessions'>
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  readonly url: () => string
  readonly publicKey: MachinePublic
  readonly steering: Steering
  /** Questions to nodes. */
  readonly calls: NodeCalls
  /** Reads again what may change. @throws ControlError */
  readonly reload: () => void
  /** Copies the state to a new directory; returns what was copied. @throws ControlError */
  readonly backUp: (directory: string) => Promise<readonly string[]>
  readonly relay: () => AdminRelay
  readonly certificate: () => AdminCertificate
  readonly logins: Logins
}
