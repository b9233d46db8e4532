// SPDX-License-Identifier: Apache-2.0

/**
 * The node: the list of its parts, and how they are put together.
 *
 *     link ──> backend ──> gate ──> engine (tunnel) ──> paths ──> udp, relays
 *       └────> lock ────────┘
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { discoPublicOf, generateDiscoKey } from '@signet/keys'
import { encodeNotify } from '@signet/protocol/local-api'
import { createBackend, type Backend } from './backend.ts'
import { systemClock } from './clock.ts'
import { createServerLine } from './control/server-line.ts'
import { diskFiles } from './durable-file.ts'
import { createEngine } from './engine.ts'
import { createNotifyBus } from './local-api/bus.ts'
import { serveNodeApi } from './local-api/serve-node-api.ts'
import { createNodeLock } from './lock/node-lock.ts'
import { silentLog } from './log.ts'
import type { NodeOptions } from './node-options.ts'
import { createPaths } from './paths/paths.ts'
import { createRelayDialer } from './paths/relay-dial.ts'
import { openUdp } from './paths/udp.ts'
import { createSignetNode, type SignetNode } from './signet-node.ts'
import { openStateFile } from './state-file.ts'
import { createMemoryDriver } from './tunnel/memory-driver.ts'

/**
 * Starts a node with what its state directory holds, and its local API.
 *
 * @throws NodeError state-corrupt, state-io, state-in-use, bad-argument
 */
export async function startNode(options: NodeOptions): Promise<SignetNode> {
  const { stateDir, logger: log = silentLog, clock = systemClock, random = Math.random } = options
  const closing = new AbortController()
  const stateFile = openStateFile(diskFiles, stateDir)
  await using untilStarted = new AsyncDisposableStack()
  const udp = untilStarted.use(await openUdp(options))
  // A new one at each start: it tells peers that sessions are gone.
  const discoKey = generateDiscoKey()
  const paths = createPaths({
    udp,
    discoKey,
    dialer: options.relayDialer ?? createRelayDialer(),
    clock,
    random,
    randomBytes: (length) => Uint8Array.from(randomBytes(length)),
    log,
    onHome: () => backend.report(),
  })
  const engine = createEngine({ udp: paths, createDriver: createMemoryDriver })
  const { createDialer } = options
  const { link, rpc } = createServerLine({ stateFile, clock, signal: closing.signal, createDialer })
  const onJudged: Backend['onJudged'] = (result) => backend.onJudged(result)
  const lock = createNodeLock({ stateFile, stateDir, rpc, clock, random, log, onJudged })
  const bus = createNotifyBus(encodeNotify)
  const backend = createBackend({
    stateFile,
    link,
    ...lock,
    engine,
    bus,
    clock,
    random,
    log,
    discoKey: discoPublicOf(discoKey),
  })
  const parts = { stateFile, engine, backend, ...lock }
  const api = await serveNodeApi(options, parts, bus, log)
  untilStarted.move()
  backend.boot()
  return createSignetNode({ ...parts, api, udp, closing }, options.signal)
}
