// SPDX-License-Identifier: Apache-2.0

/**
 * Runs the gate whenever the map or the lock has changed, one judgement at a time, and hands each
 * result on. A judgement by an authority that is no longer the newest is thrown away.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import { aumHashText } from '@signet/tka'
import type { ControlNode } from '@signet/protocol'
import { reasonOf } from '../errors.ts'
import type { Gate, GateResult } from './gate.ts'
import type { LockKeeper } from './keeper.ts'
import { gateLock, type LockState } from './lock-state.ts'

/** What is to be judged. */
export type JudgedMap = {
  readonly self: ControlNode | null
  readonly peers: readonly ControlNode[]
  readonly acceptRoutes: boolean
}

/** What a runner needs. */
export type GateRunnerOptions = {
  readonly gate: Gate
  readonly keeper: LockKeeper
  /** Takes each result: these are the peers from now on. */
  readonly onResult: (result: GateResult) => void
  /** The gate itself failed: nobody is let in. */
  readonly onFailure: (error: unknown) => void
}

/** Keeps the judgement up to date. */
export type GateRunner = {
  /** A new map. */
  update(map: JudgedMap): void
  /** The lock changed, or something failed before: judge again. */
  rerun(): void
  /** Between these nothing is judged; what was let in before stays. */
  hold(): void
  release(): void
  /** Settles when the newest map has been judged by the newest authority. */
  idle(): Promise<void>
  /** The newest result, null before the first. */
  result(): GateResult | null
  /** The head that the newest result was judged by, '' without a lock: what we may report. */
  judgedHead(): string
  /** Keys of all peers of the newest map, let in or not. */
  knownNodeKeys(): ReadonlySet<NodePublic>
  /** Why the gate is shut though the lock is in order, '' when it is not. */
  failure(): string
}

/** Creates a runner with nobody let in. */
export function createGateRunner(options: GateRunnerOptions): GateRunner {
  const { gate, keeper, onResult, onFailure } = options
  let map: JudgedMap | undefined
  let isStale = false
  let holds = 0
  let running: Promise<void> | undefined
  let result: GateResult | null = null
  let head = ''
  let failure = ''

  const isDue = (): boolean => isStale && holds === 0 && map !== undefined

  const judge = async (): Promise<void> => {
    while (isDue()) {
      isStale = false
      const judged = map
      if (judged === undefined) return
      const state = keeper.state()
      try {
        const next = await gate.judge({ ...judged, lock: gateLock(state) })
        if (keeper.state() !== state) {
          isStale = true
          continue
        }
        result = next
        head = headOf(state)
        failure = ''
        onResult(next)
      } catch (error) {
        failure = `No peer is let in: ${reasonOf(error)}`
        result = shut(judged)
        onResult(result)
        onFailure(error)
      }
    }
  }

  const run = (): void => {
    isStale = true
    running ??= judge().finally(() => {
      running = undefined
      // Something may have come while the last step was settling.
      if (isDue()) run()
    })
  }

  /** What was waited for may have started the next one. */
  const settle = async (): Promise<void> => {
    if (running === undefined) return
    await running
    await settle()
  }

  keeper.onChange(run)
  return {
    update(next) {
      map = next
      run()
    },
    rerun: run,
    hold() {
      holds++
    },
    release() {
      holds--
      run()
    },
    async idle() {
      await settle()
    },
    result: () => result,
    judgedHead: () => head,
    knownNodeKeys: () => new Set(map?.peers.map(({ Key }) => Key)),
    failure: () => failure,
  }
}

function headOf(state: LockState): string {
  return state.kind === 'on' ? aumHashText(state.authority.head) : ''
}

function shut(map: JudgedMap): GateResult {
  return {
    admitted: [],
    refused: map.peers.map((node) => ({ node, reason: 'lock-closed' })),
    self: 'lock-closed',
  }
}
