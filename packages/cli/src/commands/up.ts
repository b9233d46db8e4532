// SPDX-License-Identifier: Apache-2.0

/**
 * `signet up`: brings the node into the tailnet, and says what it waits for. The order of calls is
 * the official one: status, preferences, watch the bus, then change or start.
 *
 * @module
 */

import {
  BackendState,
  defaultPrefs,
  type LocalClient,
  type LockStatus,
  type NodeStatus,
  type Prefs,
} from '@signet/protocol/local-api'
import type { CommandContext } from '../command.ts'
import { parseDuration } from '../duration.ts'
import { CliError, cliErrors } from '../errors.ts'
import type { CliIo } from '../io.ts'
import { isLockedOut, lockedOutError } from '../locked-out.ts'
import { readSecret } from '../secret-argument.ts'
import { parseFingerprint } from './lock/fingerprint-text.ts'
import { prefsFromFlags } from './pref-flags.ts'

/** Runs `up`. */
export async function run(context: CommandContext): Promise<number> {
  const { flags } = context
  return bringUp(context, {
    forceLogin: flags.switch('force-reauth'),
    reset: flags.switch('reset'),
    json: flags.switch('json'),
  })
}

/** What sets `up` and `login` apart. */
export interface BringUpOptions {
  /** Log in again although the node is logged in. */
  readonly forceLogin: boolean
  /** Set unmentioned preferences to their defaults. */
  readonly reset: boolean
  readonly json: boolean
}

/** Brings the node up. Resolves when it runs and the lock lets it in. @throws CliError locked-out, timeout, refused */
export async function bringUp(context: CommandContext, options: BringUpOptions): Promise<number> {
  const { io, command, flags, args, local } = context
  if (args.length > 0) {
    throw new CliError(
      'usage',
      `signet ${command.path.join(' ')}: unexpected argument "${args[0]}"`,
    )
  }
  const timeout = parseDuration(flags.text('timeout'), 'timeout')
  const authKey = await readSecret(flags.text('auth-key'), 'the pre-auth key', io)
  const pin = flags.given('pin') ? parseFingerprint(flags.text('pin')) : ''
  const change: Partial<Prefs> = { ...prefsFromFlags(command, flags), WantRunning: true }
  const status = await local.status({ peers: false })
  const current = await local.prefs()
  const prefs = {
    ...(options.reset ? { ...defaultPrefs, ControlURL: current.ControlURL } : current),
    ...change,
  }

  const running = status.BackendState === BackendState.Running
  const sameServer = prefs.ControlURL === current.ControlURL
  if (running && !sameServer && !options.forceLogin) {
    throw new CliError('usage', "can't change --login-server without --force-reauth")
  }
  const login =
    options.forceLogin || authKey !== '' || pin !== '' || !sameServer || needsLogin(status)
  if (login && prefs.ControlURL === '') {
    throw new CliError('usage', 'signet up: this node does not know its server yet', {
      hint: 'Name it with --login-server URL.',
    })
  }
  const begin = async (): Promise<void> => {
    if (!login) {
      await local.changePrefs(options.reset ? prefs : change)
      return
    }
    await local.start({ UpdatePrefs: prefs, AuthKey: authKey, ...(pin !== '' && { Pin: pin }) })
    if (options.forceLogin || status.HaveNodeKey !== true || needsLogin(status)) {
      await local.loginInteractive()
    }
  }
  const oldKey = login && options.forceLogin ? (status.Self?.PublicKey ?? '') : ''
  await waitUntilRunning({ io, local, begin, timeout, json: options.json, authKey, oldKey })
  return report(context, options.json)
}

function needsLogin(status: NodeStatus): boolean {
  return (
    status.BackendState === BackendState.NeedsLogin || status.BackendState === BackendState.NoState
  )
}

interface Waiting {
  readonly io: CliIo
  readonly local: LocalClient
  /** What makes the node run; called when the bus is being watched. */
  readonly begin: () => Promise<void>
  /** Milliseconds, 0 for ever. */
  readonly timeout: number
  readonly json: boolean
  readonly authKey: string
  /** The node key that must have changed before the node counts as running; '' for any. */
  readonly oldKey: string
}

/** Watches the bus until the node runs; tells the user what it waits for. */
async function waitUntilRunning(waiting: Waiting): Promise<void> {
  const { io, local, authKey, json } = waiting
  const messages = local.watch()[Symbol.asyncIterator]()
  const deadline = startDeadline(waiting.timeout)
  let waitsFor = 'the node'
  let told = ''
  let begun = false
  try {
    // The first message is the present state: it proves that the bus is open.
    for (let next = messages.next(); ; next = messages.next()) {
      const message = await Promise.race([next, deadline.expired])
      if (message === 'expired') {
        throw new CliError(
          'timeout',
          `Gave up after ${waiting.timeout / 1000}s waiting for ${waitsFor}`,
          {
            hint: 'The node goes on trying: see "signet status".',
          },
        )
      }
      if (message.done === true) {
        throw new CliError('not-reachable', 'The node closed the connection before it was running')
      }
      const { State, BrowseToURL, ErrMessage } = message.value
      if (!begun) {
        begun = true
        await waiting.begin()
        if (await runs(local, waiting.oldKey)) return
        continue
      }
      if (ErrMessage !== undefined) throw new CliError('refused', `backend error: ${ErrMessage}`)
      if (
        BrowseToURL !== undefined &&
        BrowseToURL !== '' &&
        authKey === '' &&
        BrowseToURL !== told
      ) {
        told = BrowseToURL
        waitsFor = 'the login in a browser'
        if (json)
          io.out(
            `${JSON.stringify({ AuthURL: BrowseToURL, BackendState: 'NeedsLogin' }, null, 2)}\n`,
          )
        else io.err(`\nTo authenticate, visit:\n\n\t${BrowseToURL}\n\n`)
      }
      if (State === BackendState.NeedsMachineAuth && told !== State) {
        told = State
        waitsFor = 'the approval of this machine'
        if (json) io.out(`${JSON.stringify({ BackendState: State }, null, 2)}\n`)
        else io.err('\nTo approve your machine, ask an admin of the tailnet.\n\n')
      }
      if (State === BackendState.Running && (await runs(local, waiting.oldKey))) {
        if (told !== '' && !json) io.err('Success.\n')
        return
      }
    }
  } finally {
    deadline.stop()
    await messages.return?.()
  }
}

async function runs(local: LocalClient, oldKey: string): Promise<boolean> {
  const status = await local.status({ peers: false })
  if (status.BackendState !== BackendState.Running) return false
  return oldKey === '' || status.Self?.PublicKey !== oldKey
}

interface Deadline {
  readonly expired: Promise<'expired'>
  readonly stop: () => void
}

function startDeadline(milliseconds: number): Deadline {
  const { promise, resolve } = Promise.withResolvers<'expired'>()
  const timer = milliseconds === 0 ? undefined : setTimeout(() => resolve('expired'), milliseconds)
  return { expired: promise, stop: () => clearTimeout(timer) }
}

/** How long a lock that must be found first is waited for, and how long in spite of a warning. */
const lockPatienceMs = 10_000
const warnedPatienceMs = 1_000

/** Returns the lock, when it is clear how the node stands to it. */
async function settledLock({ io, local }: CommandContext): Promise<LockStatus> {
  const start = io.now()
  for (;;) {
    const lock = await local.lock.status()
    if (lock.Signet?.State !== 'awaiting') return lock
    const warned = (lock.Signet.Warnings ?? []).length > 0
    if (io.now() - start > (warned ? warnedPatienceMs : lockPatienceMs)) return lock
    await io.sleep(50)
  }
}

/** Says how the node stands to the lock. */
async function report(context: CommandContext, json: boolean): Promise<number> {
  const { io } = context
  const lock = await settledLock(context)
  if (json) {
    const outcome = { BackendState: 'Running', LockedOut: isLockedOut(lock) }
    io.out(`${JSON.stringify(outcome, null, 2)}\n`)
    if (isLockedOut(lock)) return cliErrors['locked-out'].exit
  }
  for (const warning of lock.Signet?.Warnings ?? []) io.err(`Warning: ${warning}\n`)
  if (isLockedOut(lock)) throw lockedOutError(lock)
  return 0
}
