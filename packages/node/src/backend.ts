// SPDX-License-Identifier: Apache-2.0

/**
 * What the node is doing, and why: preferences and login in, peers out.
 *
 *     NoState -> NeedsLogin -> Starting -> Running
 *                    ^            |  NeedsMachineAuth
 *                    └── logout   └── Stopped (down)
 *
 * @module
 */

import {
  type DiscoPublic,
  generateLockKey,
  machinePublicOf,
  nodePublicOf,
  type NodePrivate,
} from '@signet/keys'
import {
  controlNode,
  encodeJson,
  parseRawJson,
  wireTimeMs,
  type MapRequest,
  type MapResponse,
} from '@signet/protocol'
import {
  BackendState,
  defaultPrefs,
  type Notify,
  type Prefs,
  type StartOptions,
} from '@signet/protocol/local-api'
import type { Clock } from './clock.ts'
import { runControlSession } from './control/client.ts'
import { capabilityVersion, describeHost, nodeVersion } from './control/hostinfo.ts'
import type { ControlLink } from './control/link.ts'
import { createLiteUpdates, type LiteUpdates } from './control/lite-updates.ts'
import { createNetmapSession, type Netmap, type NetmapSession } from './control/netmap.ts'
import { createLogin, registerLogout, type LoginResult } from './control/register.ts'
import type { Engine } from './engine.ts'
import { NodeError, reasonOf } from './errors.ts'
import { enablingGraceMs } from './limits.ts'
import type { GateResult } from './lock/gate.ts'
import type { GateRunner } from './lock/gate-runner.ts'
import { parsePin } from './lock/fingerprint.ts'
import type { LockKeeper } from './lock/keeper.ts'
import type { LockSync } from './lock/sync.ts'
import type { NotifyBus } from './local-api/bus.ts'
import type { NodeLog } from './log.ts'
import { createStartedLogin } from './started-login.ts'
import { requireNodeKey, type StateFile } from './state-file.ts'

/** What the backend drives. */
export type BackendOptions = {
  readonly stateFile: StateFile
  readonly link: ControlLink
  readonly keeper: LockKeeper
  readonly sync: LockSync
  readonly runner: GateRunner
  readonly engine: Engine
  readonly bus: NotifyBus<Notify>
  readonly discoKey: DiscoPublic
  readonly clock: Clock
  readonly random: () => number
  readonly log: NodeLog
}

/** See the module comment. */
export type Backend = {
  /** Comes up with what is stored. */
  boot(): void
  state(): BackendState
  netmap(): Netmap | null
  /** Where a user has to log in, '' when nowhere. */
  authUrl(): string
  /** Why there is no line to the server at present, '' when there is one. */
  offlineBecause(): string
  start(options: StartOptions): void
  loginInteractive(): void
  logout(): Promise<void>
  changePrefs(change: Partial<Prefs>): Prefs
  /** Settles when the server knows what changed here. */
  reported(): Promise<void>
  /** Tells the server what changed here. */
  report(): void
  /** Called by the gate runner with each judgement. */
  onJudged(result: GateResult): void
  close(): Promise<void>
}

type Session = {
  readonly ending: AbortController
  readonly done: Promise<void>
  readonly lite: LiteUpdates
}

/** Creates a backend that is not doing anything yet. */
export function createBackend(options: BackendOptions): Backend {
  const { stateFile, link, keeper, sync, runner, engine, bus, discoKey, clock, random, log } =
    options
  let session: Session | undefined
  let netmaps: NetmapSession | undefined
  let netmap: Netmap | null = null
  let state: BackendState = BackendState.NoState
  let authUrl = ''
  let offline = ''
  const startedLogin = createStartedLogin(clock)

  const tell = (message: Omit<Notify, 'Version'>): void => {
    bus.publish({ Version: nodeVersion, ...message })
  }
  const become = (next: BackendState): void => {
    if (next === state) return
    state = next
    log.info({ state }, 'State')
    tell({ State: next })
  }

  const hostinfo = (): ReturnType<typeof describeHost> => {
    const { machineKey, prefs } = stateFile.get()
    return describeHost(machinePublicOf(machineKey), prefs, engine.network())
  }
  const describe = (nodeKey: NodePrivate): MapRequest => {
    const endpoints = engine.endpoints()
    const head = runner.judgedHead()
    return {
      Version: capabilityVersion,
      NodeKey: nodePublicOf(nodeKey),
      DiscoKey: discoKey,
      Compress: 'zstd',
      KeepAlive: true,
      Hostinfo: hostinfo(),
      Endpoints: endpoints,
      EndpointTypes: endpoints.map(() => 1),
      ...(head !== '' && { TKAHead: head }),
    }
  }

  const endSession = (): void => {
    session?.ending.abort(new NodeError('closed', 'The session ended'))
    session = undefined
    sync.pause()
    link.reset()
  }
  const forgetMap = (): void => {
    netmaps = undefined
    netmap = null
    runner.update({ self: null, peers: [], acceptRoutes: false })
  }

  /** Nothing of the present login goes on: no session, no tunnel, no map. */
  const tearDown = (): void => {
    endSession()
    engine.stop()
    forgetMap()
  }

  const beginSession = (authKey: string, renew: boolean): void => {
    endSession()
    const { nodeKey, oldNodeKey, prefs } = stateFile.get()
    const lockKey = stateFile.get().lockKey ?? generateLockKey()
    if (stateFile.get().lockKey === null) stateFile.update({ lockKey })
    const ending = new AbortController()
    const { signal } = ending
    const login = createLogin(
      {
        nodeKey,
        oldNodeKey,
        lockKey,
        authKey,
        renew,
        ephemeral: false,
        hostinfo: hostinfo(),
      },
      {
        link,
        clock,
        capability: capabilityVersion,
        signal,
        onVisit(url) {
          authUrl = url
          become(BackendState.NeedsLogin)
          tell({ BrowseToURL: url })
        },
      },
    )
    const lite = createLiteUpdates({
      link,
      clock,
      random,
      signal,
      describe: () => {
        const key = stateFile.get().nodeKey
        return key === null || netmap === null ? undefined : describe(key)
      },
      onFailure: (error) => {
        log.warn({ err: error }, 'Cannot report to the server')
      },
    })
    if (nodeKey) engine.setKey(nodeKey)
    if (nodeKey && !renew) become(BackendState.Starting)
    else if (state === BackendState.NoState || state === BackendState.Stopped) {
      become(BackendState.NeedsLogin)
    }
    log.info({ server: prefs.ControlURL }, 'Connecting')
    const done = runControlSession({
      link,
      clock,
      random,
      login,
      signal,
      onLogin,
      describe: () => describe(requireNodeKey(stateFile.get())),
      onMap,
      onStatus(isUp, error) {
        if (error !== undefined) log.warn({ err: error }, 'No line to the server')
        offline = isUp ? '' : error === undefined ? 'The map stream ended' : reasonOf(error)
      },
    }).catch((error: unknown) => {
      if (signal.aborted) return
      session = undefined
      startedLogin.forget()
      log.warn({ err: error }, 'The server refuses the login')
      offline = reasonOf(error)
      become(BackendState.NeedsLogin)
      tell({ ErrMessage: offline })
    })
    session = { ending, done, lite }
  }

  const onLogin = ({ nodeKey, oldNodeKey, login }: LoginResult): void => {
    const { prefs, nodeKey: before } = stateFile.get()
    stateFile.update({ nodeKey, oldNodeKey, login, prefs: { ...prefs, LoggedOut: false } })
    authUrl = ''
    const renewWith = startedLogin.over(nodeKey !== before)
    if (renewWith !== null) {
      const over = session
      // This session ends first, unless somebody ends it otherwise.
      queueMicrotask(() => {
        if (session === over) beginSession(renewWith, true)
      })
      return
    }
    engine.setKey(nodeKey)
    tell({ LoginFinished: true })
    become(BackendState.Starting)
  }

  const onMap = (message: MapResponse, isFirst: boolean): void => {
    if (isFirst || netmaps === undefined) netmaps = createNetmapSession(clock.now)
    const keyBefore = netmap?.self?.Key
    netmap = netmaps.apply(message)
    if (netmap.self && netmap.self.Key !== keyBefore) {
      tell({ SelfChange: parseRawJson(encodeJson(controlNode, netmap.self)) })
    }
    engine.setSelf(netmap.self?.Addresses ?? [])
    engine.setRelays(netmap.derpMap)
    filter()
    sync.observe(message.TKAInfo, isFirst)
    holdWhileLockStarts()
    judge()
    session?.lite.send()
  }

  /** A lock was announced where there was none: nobody new is let in before it has been seen. */
  const holdWhileLockStarts = (): void => {
    if (keeper.state().kind !== 'off' || sync.serverHead() === '') return
    runner.hold()
    let isHeld = true
    const release = (): void => {
      if (!isHeld) return
      isHeld = false
      cancel()
      if (keeper.state().kind === 'off' && sync.serverHead() !== '') {
        keeper.await('The server announces a lock and has not shown one that verifies')
      }
      runner.release()
    }
    const cancel = clock.schedule(enablingGraceMs, release)
    void sync.idle().then(release)
  }

  const filter = (): void => {
    if (netmap === null) return
    const { self, peers, filterRules: rules } = netmap
    const shieldsUp = stateFile.get().prefs.ShieldsUp
    const problems = engine.setFilter({ addresses: self?.Addresses ?? [], peers, rules, shieldsUp })
    if (problems.length > 0) log.warn({ problems: problems.slice(0, 10) }, 'Filter rules not read')
  }

  const judge = (): void => {
    if (netmap === null) return
    const acceptRoutes = stateFile.get().prefs.RouteAll
    runner.update({ self: netmap.self, peers: netmap.peers, acceptRoutes })
  }

  const settle = (): void => {
    const self = netmap?.self
    if (session === undefined || !self) return
    const expiry = self.KeyExpiry === undefined ? undefined : wireTimeMs(self.KeyExpiry)
    if (expiry !== undefined && expiry <= clock.now()) become(BackendState.NeedsLogin)
    else if (self.MachineAuthorized !== true) become(BackendState.NeedsMachineAuth)
    else become(BackendState.Running)
  }

  const stop = (): void => {
    tearDown()
    offline = ''
    authUrl = ''
    const { nodeKey } = stateFile.get()
    become(nodeKey === null ? BackendState.NeedsLogin : BackendState.Stopped)
  }

  const applyPrefs = (change: Partial<Prefs>): Prefs => {
    const before = stateFile.get().prefs
    const prefs = { ...before, ...change }
    stateFile.update({ prefs })
    if (prefs.RouteAll !== before.RouteAll) judge()
    if (prefs.ShieldsUp !== before.ShieldsUp) filter()
    return prefs
  }

  return {
    boot() {
      // The authority on disk is in force from the first moment, and may be reported.
      forgetMap()
      const { nodeKey, prefs } = stateFile.get()
      if (nodeKey !== null && prefs.WantRunning) beginSession('', false)
      else become(nodeKey === null ? BackendState.NeedsLogin : BackendState.Stopped)
    },
    state: () => state,
    netmap: () => netmap,
    authUrl: () => authUrl,
    offlineBecause: () => offline,

    start({ UpdatePrefs, AuthKey, Pin }) {
      if (Pin !== undefined && Pin !== '') keeper.pin(parsePin(Pin))
      if (UpdatePrefs) applyPrefs(UpdatePrefs)
      const { nodeKey, prefs } = stateFile.get()
      if (prefs.ControlURL === '') {
        throw new NodeError('bad-argument', 'No server is set: give --login-server URL')
      }
      if (!prefs.WantRunning) {
        stop()
        return
      }
      startedLogin.started(AuthKey)
      if (nodeKey === null && AuthKey === '') {
        endSession()
        become(BackendState.NeedsLogin)
      } else {
        beginSession(AuthKey, false)
      }
    },

    loginInteractive() {
      const asked = startedLogin.asked()
      if (asked.kind === 'nothing') return
      const { nodeKey, prefs } = stateFile.get()
      if (prefs.ControlURL === '') {
        throw new NodeError('bad-argument', 'No server is set: give --login-server URL')
      }
      applyPrefs({ WantRunning: true, LoggedOut: false })
      beginSession(asked.authKey, nodeKey !== null)
    },

    async logout() {
      const { nodeKey, lockKey, prefs } = stateFile.get()
      tearDown()
      if (nodeKey && lockKey) {
        const signal = AbortSignal.timeout(10_000)
        await registerLogout({ nodeKey, lockKey }, hostinfo(), {
          link,
          clock,
          capability: capabilityVersion,
          signal,
          onVisit: () => undefined,
        }).catch((error: unknown) => {
          log.warn({ err: error }, 'The server was not told about the logout')
        })
        link.reset()
      }
      // The server may have taken its time, and the node may have been brought up again meanwhile:
      // that session must not live on when the lock is forgotten.
      tearDown()
      startedLogin.forget()
      stateFile.update({
        nodeKey: null,
        oldNodeKey: null,
        lockKey: null,
        login: null,
        // Another login starts afresh, at the same server unless told otherwise.
        prefs: { ...defaultPrefs, ControlURL: prefs.ControlURL, LoggedOut: true },
      })
      keeper.reset()
      become(BackendState.NeedsLogin)
    },

    changePrefs(change) {
      const before = stateFile.get().prefs
      const prefs = applyPrefs(change)
      const { nodeKey } = stateFile.get()
      if (prefs.WantRunning && session === undefined && nodeKey !== null) beginSession('', false)
      else if (!prefs.WantRunning && before.WantRunning) stop()
      else session?.lite.send()
      return prefs
    },

    async reported() {
      await session?.lite.settled()
    },

    report() {
      session?.lite.send()
    },

    onJudged(result) {
      engine.setPeers(result.admitted)
      settle()
      session?.lite.send()
    },

    async close() {
      const ending = session?.done
      endSession()
      link.close()
      await ending
    },
  }
}
