// SPDX-License-Identifier: Apache-2.0

/**
 * The local API of a node: all its routes on its socket.
 *
 * @module
 */

import type { Notify } from '@signet/protocol/local-api'
import { capabilityVersion, nodeVersion } from '../control/hostinfo.ts'
import type { NodeLog } from '../log.ts'
import { socketPathOf, type NodeOptions } from '../node-options.ts'
import type { NodeParts } from '../parts.ts'
import type { NotifyBus } from './bus.ts'
import { lockRoutes } from './lock-routes.ts'
import { nodeRoutes } from './node-routes.ts'
import { serveLocalApi, type LocalApiServer } from './server.ts'
import { signetRoutes } from './signet-routes.ts'

/** Starts to listen, unless the node shall not be asked. @throws NodeError state-in-use, state-io */
export async function serveNodeApi(
  options: NodeOptions,
  parts: NodeParts,
  bus: NotifyBus<Notify>,
  log: NodeLog,
): Promise<LocalApiServer | null> {
  const socketPath = socketPathOf(options)
  if (socketPath === false) return null
  return serveLocalApi({
    socketPath,
    routes: [...nodeRoutes(parts, bus), ...lockRoutes(parts), ...signetRoutes(parts)],
    version: nodeVersion,
    capability: capabilityVersion,
    onError(path, err) {
      log.warn({ path, err }, 'A local API call failed')
    },
  })
}
