// SPDX-License-Identifier: Apache-2.0

/**
 * What a node is started with.
 *
 * @module
 */

import { join } from 'node:path'
import type { Clock } from './clock.ts'
import type { DialControl } from './control/link.ts'
import type { DialerOptions } from './control/dial.ts'
import type { NodeLog } from './log.ts'
import type { RelayDialer } from './paths/relay-dial.ts'

/** What a node is started with; only the state directory has no default. */
export type NodeOptions = {
  /** Holds `node.json` and `lock/`. Created if needed, for this user only. */
  readonly stateDir: string
  /** Where the local API listens; false for nowhere. Default: `node.sock` in the state directory. */
  readonly socketPath?: string | false
  /** The data plane: `memory` needs no rights. */
  readonly tun?: 'memory'
  /** UDP address and port; every address and a free port by default. `none` is relays alone. */
  readonly bind?: string
  readonly port?: number
  /** A pino logger fits; silent by default. */
  readonly logger?: NodeLog
  /** Closes the node. */
  readonly signal?: AbortSignal
  /** For tests: time, chance, and how the server is reached. */
  readonly clock?: Clock
  readonly random?: () => number
  readonly createDialer?: (options: DialerOptions) => DialControl
  readonly relayDialer?: RelayDialer
}

/** Where the local API listens. */
export function socketPathOf({ socketPath, stateDir }: NodeOptions): string | false {
  return socketPath ?? join(stateDir, 'node.sock')
}
