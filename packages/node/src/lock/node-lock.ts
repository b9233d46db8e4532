// SPDX-License-Identifier: Apache-2.0

/**
 * The lock of one node, put together: the authority that it keeps, its gate, its owner's commands.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { nodePublicOf } from '@signet/keys'
import type { Clock } from '../clock.ts'
import { diskFiles } from '../durable-file.ts'
import { gateRetryMs } from '../limits.ts'
import type { NodeLog } from '../log.ts'
import { requireLockKey, requireNodeKey, type StateFile } from '../state-file.ts'
import { createLockCommands, type LockCommands } from './commands.ts'
import { createGate, type GateResult } from './gate.ts'
import { createGateRunner, type GateRunner } from './gate-runner.ts'
import { healLock } from './heal.ts'
import { initLock, type InitRequest } from './init.ts'
import { createLockKeeper, type LockKeeper } from './keeper.ts'
import type { LockRpc } from './lock-rpc.ts'
import { createLockRecovery, type LockRecovery } from './recovery.ts'
import { createSecretGuard } from './secret-guard.ts'
import { createLockSync, type LockSync } from './sync.ts'
import { createVerdictCache, type VerdictCache } from './verdicts.ts'

/** What a lock needs. */
export type NodeLockOptions = {
  readonly stateFile: StateFile
  readonly stateDir: string
  readonly rpc: LockRpc
  readonly clock: Clock
  readonly random: () => number
  readonly log: NodeLog
  /** Takes each judgement of the gate. */
  readonly onJudged: (result: GateResult) => void
}

/** The parts of a lock. */
export type NodeLockParts = {
  readonly keeper: LockKeeper
  readonly verdicts: VerdictCache
  readonly runner: GateRunner
  readonly sync: LockSync
  readonly commands: LockCommands
  readonly recovery: LockRecovery
  readonly init: (request: InitRequest) => Promise<void>
  /** Gets a damaged lock back from the server. */
  readonly heal: () => Promise<void>
}

/** Opens what is on disk and puts the parts together. */
export function createNodeLock(options: NodeLockOptions): NodeLockParts {
  const { stateFile, stateDir, rpc, clock, random, log, onJudged } = options
  const directory = join(stateDir, 'lock')
  const keeper = createLockKeeper({ stateFile, files: diskFiles, directory, now: clock.now })
  const found = keeper.state()
  if (found.kind === 'broken')
    log.error({ why: found.why }, 'The lock is damaged: no peer is let in')
  const guard = createSecretGuard(clock.now)
  const sync = createLockSync({ keeper, rpc, guard, clock, random, log })
  const verdicts = createVerdictCache()
  let cancelRetry: (() => void) | undefined
  const runner: GateRunner = createGateRunner({
    gate: createGate(verdicts),
    keeper,
    onResult: onJudged,
    onFailure(error) {
      log.error({ err: error }, 'The gate failed: no peer is let in')
      // One retry at a time, or each map that fails would add one for as long as the cause lasts.
      cancelRetry?.()
      cancelRetry = clock.schedule(gateRetryMs, () => runner.rerun())
    },
  })
  const owner = {
    keeper,
    rpc,
    // A budget of its own: the server cannot use up the owner's.
    guard: createSecretGuard(clock.now),
    lockKey: () => requireLockKey(stateFile.get()),
    randomBytes: (length: number) => new Uint8Array(randomBytes(length)),
  }
  return {
    keeper,
    verdicts,
    runner,
    sync,
    commands: createLockCommands(owner),
    recovery: createLockRecovery(owner),
    init: (request) =>
      initLock(request, {
        ...owner,
        ownNodeKey: () => nodePublicOf(requireNodeKey(stateFile.get())),
        knownNodeKeys: () => runner.knownNodeKeys(),
      }),
    heal: () => healLock({ keeper, rpc, log }),
  }
}
