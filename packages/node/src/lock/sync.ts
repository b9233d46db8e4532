// SPDX-License-Identifier: Apache-2.0

/**
 * Keeps this node's authority in step with the server's, without believing it anything:
 *
 *     the server says      this node has      then
 *     on                   none               bootstrap: verify the genesis, begin
 *     off                  a lock             bootstrap: only the right secret ends it
 *     another head         a lock             offer, verify what comes, send what the server lacks
 *
 * Whatever fails, the gate goes on with the authority that is there. Failures are tried again with
 * backoff, and told to the owner when they last.
 *
 * @module
 */

import {
  aumHashText,
  decodeAum,
  encodeAum,
  missingAums,
  parseAumHash,
  parseSyncOffer,
  syncIntersection,
  syncOffer,
  syncOfferText,
  checkDisablement,
  TkaError,
  type AumHash,
} from '@signet/tka'
import type { TKAInfo } from '@signet/protocol'
import type { Clock } from '../clock.ts'
import { createBackoff } from '../control/backoff.ts'
import { NodeError, reasonOf } from '../errors.ts'
import { headAlarmMs } from '../limits.ts'
import type { LockKeeper } from './keeper.ts'
import type { LockRpc } from './lock-rpc.ts'
import type { SecretGuard } from './secret-guard.ts'
import { takeUpdates, undoingText } from './take-updates.ts'

/** What the server said last: null when the lock is off, or its head makes no sense. */
export type LockTarget = AumHash | null

/** What a synchroniser needs. */
export type LockSyncOptions = {
  readonly keeper: LockKeeper
  readonly rpc: LockRpc
  readonly guard: SecretGuard
  readonly clock: Clock
  readonly random: () => number
  readonly log: LockLog
}

/** Where the lock reports what happens; never a secret. */
export type LockLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** Follows the server's word on the lock. */
export type LockSync = {
  /**
   * Tells what the newest map says. `isFirst` marks the first message of a stream, in which
   * silence means that the lock is off; later, silence means no change.
   */
  observe(info: TKAInfo | undefined, isFirst: boolean): void
  /** Settles when no attempt is running; for those who want to judge by the newest state. */
  idle(): Promise<void>
  /** The head that the server named last, '' when none. */
  serverHead(): string
  /** What the owner should know, as sentences. */
  warnings(): readonly string[]
  /** Forgets what the server said, until it says something again. */
  pause(): void
  close(): void
}

/** First wait of a retry. */
const retryStepMs = 250

/** Creates a synchroniser that waits to be told. */
export function createLockSync(options: LockSyncOptions): LockSync {
  const { keeper, clock, random, log } = options
  const backoff = createBackoff(random, retryStepMs)
  let target: LockTarget | undefined
  let running: Promise<void> | undefined
  let isStale = false
  /** How often what the server said was forgotten: each time it may be another server after. */
  let pauses = 0
  let cancelRetry: (() => void) | undefined
  let isClosed = false
  let failure = ''
  let differsSince: number | undefined

  const noteDifference = (): void => {
    if (target === undefined || isInStep(keeper, target)) differsSince = undefined
    else differsSince ??= clock.now()
  }

  const run = (): void => {
    if (isClosed || target === undefined) return
    if (running !== undefined) {
      isStale = true
      return
    }
    cancelRetry?.()
    cancelRetry = undefined
    isStale = false
    running = attempt(target)
  }

  const attempt = async (wanted: LockTarget): Promise<void> => {
    const begun = pauses
    const isCurrent = (): boolean => pauses === begun
    try {
      failure = (await synchronise(options, wanted, isCurrent)).problem
      if (failure === '') backoff.reset()
    } catch (error) {
      failure = reasonOf(error)
      log.warn({ err: error }, 'Cannot synchronise the lock')
    }
    running = undefined
    noteDifference()
    if (isClosed) return
    if (isStale) run()
    else if (failure !== '') {
      // Even in step: what we have and the server lacks may not have reached it.
      cancelRetry = clock.schedule(backoff.next(), run)
    }
  }

  /** What was waited for may have started the next one. */
  const settle = async (): Promise<void> => {
    if (running === undefined) return
    await running
    await settle()
  }

  return {
    observe(info, isFirst) {
      if (info === undefined && !isFirst) return
      const next = targetOf(info)
      const isNew = next !== target
      target = next
      noteDifference()
      const isLeft = keeper.state().kind === 'left'
      // Somebody who left one lock has not left another: each new head may belong to one.
      if (isLeft ? isNew && next !== null : !isInStep(keeper, next) && (isNew || isFirst)) run()
      else if (isInStep(keeper, next)) failure = ''
    },
    async idle() {
      await settle()
    },
    serverHead: () => (target ? aumHashText(target) : ''),
    warnings() {
      const out: string[] = []
      if (failure !== '') out.push(failure)
      if (differsSince !== undefined && clock.now() - differsSince >= headAlarmMs) {
        const minutes = Math.floor((clock.now() - differsSince) / 60_000)
        out.push(
          `The lock of this node and that of the server have differed for ${minutes} minutes: the server may withhold updates`,
        )
      }
      return out
    },
    pause() {
      pauses++
      target = undefined
      differsSince = undefined
      failure = ''
      cancelRetry?.()
    },
    close() {
      isClosed = true
      cancelRetry?.()
    },
  }
}

/** The server's word as a head. A head that cannot be read counts as off: it needs the secret. */
function targetOf(info: TKAInfo | undefined): LockTarget {
  if (info === undefined || info.Disabled === true) return null
  // No head at all is the official way to say "on, and I do not know where".
  if (info.Head === undefined || info.Head === '') return zeroHash
  try {
    return parseAumHash(info.Head)
  } catch {
    return null
  }
}

const zeroHash = parseAumHash('A'.repeat(52))

function isInStep(keeper: LockKeeper, target: LockTarget): boolean {
  const state = keeper.state()
  switch (state.kind) {
    case 'on':
      return target === state.authority.head
    case 'off':
      return target === null
    case 'awaiting':
      return false
    case 'left':
    case 'broken':
      // The owner wants no lock; or nothing that the server says can repair it.
      return true
    default: {
      const unknown: never = state
      return unknown
    }
  }
}

/** `problem` is a sentence for the owner, '' when there is none. */
type Outcome = { readonly problem: string }

const fine: Outcome = { problem: '' }

async function synchronise(
  options: LockSyncOptions,
  target: LockTarget,
  isCurrent: () => boolean,
): Promise<Outcome> {
  const { keeper } = options
  const isOn = (): boolean => keeper.state().kind === 'on'
  if (keeper.state().kind === 'broken') return fine
  if (isOn()) {
    const problem = target === null ? await tryEnd(options) : ''
    if (!isOn()) return fine
    const exchanged = await exchange(options)
    return problem === '' ? exchanged : { problem }
  }
  if (target === null) {
    keeper.stopAwaiting()
    return fine
  }
  try {
    await begin(options, isCurrent)
  } catch (error) {
    // The owner's choice is no problem to be told about.
    if (error instanceof NodeError && error.code === 'lock-disallowed') return fine
    throw error
  }
  return isOn() ? exchange(options) : fine
}

/** A lock is announced: fetch how it began, verify, follow. */
async function begin(
  { keeper, rpc, log }: LockSyncOptions,
  isCurrent: () => boolean,
): Promise<void> {
  const before = keeper.state()
  const { genesis } = await rpc.bootstrap('')
  if (genesis === null) {
    throw new NodeError('control-protocol', 'The server announces a lock but does not show it')
  }
  // What one server showed is nothing to a node that has gone to another one meanwhile.
  if (keeper.state() !== before || !isCurrent()) return
  const authority = keeper.begin(decodeAum(genesis))
  log.info(
    { stateId: authority.stateId, genesis: aumHashText(authority.oldestAncestor) },
    'Tailnet lock is on; compare its fingerprint with that of another node',
  )
}

/** The server says that the lock is off. Returns why it is not, or ''. */
async function tryEnd({ keeper, rpc, guard, log }: LockSyncOptions): Promise<string> {
  const { authority } = keeper.require()
  const { disablementSecret } = await rpc.bootstrap(aumHashText(authority.head))
  if (disablementSecret === null || disablementSecret.length === 0) {
    return 'The server says that the lock is off, but shows no secret that ends it'
  }
  const before = keeper.require().authority
  try {
    // The values belong to the head, and so does what is remembered of failed secrets.
    const isRight = await guard.matches(before.head, disablementSecret, (secret) =>
      checkDisablement(before.state, secret),
    )
    if (!isRight) return 'The server says that the lock is off, with a secret that is wrong'
  } catch (error) {
    if (error instanceof NodeError && error.code === 'lock-rate-limited') return error.message
    throw error
  }
  // The check took most of a second: it must still be the same lock with the same values.
  const state = keeper.state()
  if (state.kind === 'on' && state.authority.head === before.head) {
    keeper.end()
    log.warn({ stateId: before.stateId }, 'Tailnet lock was ended with a disablement secret')
    return ''
  }
  return 'The lock moved on while a secret was checked'
}

/** Offer, verify what comes, send what the server lacks. */
async function exchange(options: LockSyncOptions): Promise<Outcome> {
  const { keeper, rpc, log } = options
  const before = keeper.require()
  const stateId = before.authority.stateId
  const remote = await rpc.syncOffer(syncOfferText(syncOffer(before.authority)))
  const now = keeper.state()
  if (now.kind !== 'on' || now.authority.stateId !== stateId) return fine
  const offer = parseSyncOffer(remote.offer)
  if (offer.head === now.authority.head) return fine

  // What we have and the server lacks is found before its updates are looked at: afterwards ours
  // may be on a branch that lost, and nobody would ever see them.
  const { authority, store } = keeper.require()
  const shared = syncIntersection(authority, store, offer)
  const toSend = shared.kind === 'none' ? [] : missingAums(authority, store, offer)
  const { refused, undoing } = takeUpdates(keeper, remote.missing)
  if (undoing !== null) log.warn({ refused, undoing }, 'The server would undo history of the lock')
  else if (refused > 0)
    log.warn({ refused }, 'The server sent updates of the lock that do not verify')

  const ours = keeper.require().authority
  const sent = await rpc.syncSend(aumHashText(ours.head), toSend.map(encodeAum), false)
  const after = keeper.state()
  if (after.kind !== 'on' || after.authority.stateId !== stateId) return fine
  compact(keeper, log)
  if (shared.kind === 'none' && refused === 0 && remote.missing.length === 0) {
    return { problem: "The server's lock and that of this node have no update in common" }
  }
  if (undoing !== null) return { problem: undoingText(undoing) }
  if (refused > 0) return { problem: 'The server sends updates of the lock that do not verify' }
  return sent === aumHashText(after.authority.head)
    ? fine
    : { problem: 'The server follows another head of the lock than this node' }
}

/** Forgetting is a convenience: failing to do it must not look like failing to synchronise. */
function compact(keeper: LockKeeper, log: LockLog): void {
  try {
    keeper.compact()
  } catch (error) {
    if (!(error instanceof TkaError) || error.code !== 'cannot-compact') throw error
    log.info({ err: error }, 'The lock cannot be compacted yet')
  }
}
