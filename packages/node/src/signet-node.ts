// SPDX-License-Identifier: Apache-2.0

/**
 * A running node as those who embed it see it.
 *
 * @module
 */

import type { LockStatus, NodeStatus, StartOptions } from '@signet/protocol/local-api'
import { lockStatusOf } from './local-api/lock-status.ts'
import type { LocalApiServer } from './local-api/server.ts'
import { statusOf } from './local-api/status.ts'
import type { LockCommands } from './lock/commands.ts'
import type { AdmittedPeer } from './lock/gate.ts'
import type { InitRequest } from './lock/init.ts'
import type { LockRecovery } from './lock/recovery.ts'
import type { NodeParts } from './parts.ts'
import type { Udp } from './paths/udp.ts'
import type { PingKind } from './tunnel/pinger.ts'
import type { PingResult } from './tunnel/tunnel.ts'

/** The lock, for programs. */
export type NodeLock = LockCommands & {
  status(): LockStatus
  init(request: InitRequest): Promise<void>
  /** Gets a damaged lock back from the server, if it is the one that was in force here. */
  heal(): Promise<void>
  readonly recovery: LockRecovery
}

/** A running node. */
export interface SignetNode extends AsyncDisposable {
  status(): NodeStatus
  /** The peers that the lock lets in. */
  peers(): readonly AdmittedPeer[]
  /** @throws NodeError not-found, timeout, bad-argument, not-logged-in */
  ping(ip: string, kind?: PingKind, timeoutMs?: number): Promise<PingResult>
  /** Joins a tailnet, or comes up again. @throws NodeError bad-argument, lock-pin-mismatch */
  start(options: StartOptions): void
  readonly lock: NodeLock
  /** Settles when the newest map has been judged and the server knows. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** What a node has to close. */
export type NodeHandles = NodeParts & {
  readonly api: LocalApiServer | null
  readonly udp: Udp
  readonly closing: AbortController
}

/** Returns the face of a node; an aborted signal closes it. */
export function createSignetNode(handles: NodeHandles, signal?: AbortSignal): SignetNode {
  const { commands, recovery, init, heal, engine, backend, runner, sync } = handles
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= closeAll(handles))
  const onAbort = (): void => {
    void close()
  }
  if (signal?.aborted === true) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    status: () => statusOf(handles, true),
    peers: () => runner.result()?.admitted ?? [],
    ping: (ip, kind = 'TSMP', timeoutMs = 5_000) => engine.ping(ip, kind, timeoutMs),
    start: (options) => {
      backend.start(options)
    },
    lock: { ...commands, status: () => lockStatusOf(handles), init, heal, recovery },
    async settled() {
      await sync.idle()
      await runner.idle()
      await backend.reported()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** From the outside in: nobody may ask, then nothing may come, then nothing may go. */
async function closeAll(handles: NodeHandles): Promise<void> {
  const { api, sync, backend, engine, udp, closing } = handles
  await api?.close()
  sync.close()
  closing.abort()
  await backend.close()
  engine.stop()
  await udp.close()
}
