// SPDX-License-Identifier: Apache-2.0

/**
 * The composition root: the server as a list of its parts.
 *
 * @module
 */

import { join } from 'node:path'
import { machinePublicOf } from '@signet/keys'
import { listenAdmin } from './admin/socket.ts'
import { systemClock } from './clock.ts'
import { openFrontDoors } from './http/front-door.ts'
import { startSteering } from './guidance/live.ts'
import { openLock } from './lock/open-lock.ts'
import { createLogins } from './login/logins.ts'
import { createNodeCalls } from './machine/node-calls.ts'
import { createRuntimes } from './machine/runtimes.ts'
import { createLoginLimits } from './machine/services.ts'
import { frameCounters } from './map/frame-encoder.ts'
import type { Control, ControlOptions } from './options.ts'
import { startRelays } from './relay/relays.ts'
import { backUp } from './store/backup.ts'
import { loadServerKey } from './store/server-key.ts'
import { openSqliteStore } from './store/sqlite.ts'
import { claimStateDir } from './store/state-dir.ts'
import { DEFAULT_TAILNET, openTailnets } from './tailnet/tailnets.ts'
import { VERSION } from './version.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

/** Starts a server. @throws ControlError 'state-dir', 'store-failed', 'bad-config' */
export async function startControl(options: ControlOptions): Promise<Control> {
  const { stateDir, logger, intercept, clock = systemClock } = options
  await using stack = new AsyncDisposableStack()
  stack.use(claimStateDir(stateDir))
  const serverKey = loadServerKey(stateDir)
  const publicKey = machinePublicOf(serverKey)
  const sqlite = stack.adopt(openSqliteStore(join(stateDir, 'signet.db')), (db) => db.close())
  const store = options.wrapStore?.(sqlite) ?? sqlite
  const counters = frameCounters()
  const tailnets = openTailnets({
    store,
    clock,
    first: { name: DEFAULT_TAILNET, domain: options.domain ?? 'default.signet.internal' },
    openLock: (row) => openLock(store, row.id, () => clock.now()),
  })
  const steering = startSteering(stateDir, options, options.readAgain, logger)
  let url = options.url ?? ''
  const logins = stack.use(createLogins(clock, () => url))
  const relays = stack.use(
    startRelays({
      settings: options.relay,
      stateDir,
      tailnets,
      clock,
      logger,
      expectsKey: (key) => logins.isExpected(key),
      onChange: () => runtimes.relaysChanged(),
    }),
  )
  const runtimes = stack.use(
    createRuntimes({
      tailnets,
      store,
      clock,
      logger,
      counters,
      intercept,
      settings: steering.settings,
      relays: relays.json,
      ephemeralGraceMs:
        options.ephemeralGraceSeconds === undefined
          ? undefined
          : options.ephemeralGraceSeconds * 1_000,
    }),
  )
  const days = options.keyLifetimeDays === undefined ? 180 : options.keyLifetimeDays
  const keyLifetimeMs = days === null ? null : days * DAY_MS
  const calls = createNodeCalls(clock, () => doors.url)
  const services = {
    tailnets,
    clock,
    logger,
    counters,
    intercept,
    settings: steering.settings,
    calls,
    keyLifetimeMs,
    logins,
    loginLimits: createLoginLimits(() => clock.now()),
    runtime: runtimes.of,
    lockCalls: runtimes.lockCalls,
  }
  const { host } = options.listen
  const doors = stack.use(
    await openFrontDoors({
      ...options,
      serverKey,
      services,
      relay: relays.server,
      verifier: relays.verifier,
      onCertName: () => relays.renamed(doors.certName()),
    }),
  )
  // Undone first: while clients are connected.
  stack.defer(() => relays.server?.announceRestart())
  url = doors.url
  const { stunPort, stunHosts } = options
  await relays.open({ url, host, stunPort, stunHosts, certName: doors.certName() })
  const reload = (): void => {
    doors.reload()
    steering.reload()
  }
  if (options.adminSocket !== false) {
    const path = options.adminSocket ?? join(stateDir, 'admin.sock')
    const admin = {
      backUp: (directory: string) => backUp(stateDir, directory),
      tailnets,
      runtime: runtimes.of,
      clock,
      logger,
      version: VERSION,
      url: () => url,
      publicKey,
      steering,
      calls,
      reload,
      relay: relays.status,
      certificate: doors.certificate,
      logins,
    }
    stack.use(await listenAdmin(path, admin))
  }
  logger.info({ url, publicKey, stateDir }, 'server started')
  const parts = stack.move()
  const close = (): Promise<void> => parts.disposeAsync()
  return {
    url,
    port: doors.port,
    httpPort: doors.httpPort,
    stunPort: relays.stunPort,
    publicKey,
    counters,
    wake: (mode = 'full') => runtimes.wake(mode),
    reload,
    connectedNodes: () => runtimes.connected(),
    close,
    [Symbol.asyncDispose]: close,
  }
}
