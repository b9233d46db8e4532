// SPDX-License-Identifier: Apache-2.0

/**
 * A server without sockets: store, tailnet, handlers and sessions in this process, on a clock that the test
 * moves. Machines are made with their real keys, so every signature is a real one.
 *
 * @module
 */

import pino from 'pino'
import { decodeUtf8, encodeUtf8 } from '@signet/codec'
import {
  generateDiscoKey,
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  discoPublicOf,
  lockPublicOf,
  lockSigner,
  machinePublicOf,
  nodePublicOf,
} from '@signet/keys'
import type { LockPrivate, MachinePrivate, NodePrivate } from '@signet/keys'
import { encodeRegisterRequest, NO_TIME, parseRegisterRequest, wireTime } from '@signet/protocol'
import type { RegisterRequest, RegisterResponse } from '@signet/protocol'
import type { LockSigner } from '@signet/tka'
import { createFakeClock } from '@signet/testkit'
import type { FakeClock } from '@signet/testkit'
import { startSteering } from '../../src/guidance/live.ts'
import type { Steering } from '../../src/guidance/live.ts'
import type { GuidanceSettings } from '../../src/guidance/settings.ts'
import { openLock } from '../../src/lock/open-lock.ts'
import { createLogins } from '../../src/login/logins.ts'
import { register, registerNow } from '../../src/machine/register.ts'
import { errorAnswer } from '../../src/machine/request.ts'
import { createNodeCalls } from '../../src/machine/node-calls.ts'
import { createRuntimes } from '../../src/machine/runtimes.ts'
import { createLoginLimits } from '../../src/machine/services.ts'
import type { MachineServices, TailnetRuntime } from '../../src/machine/services.ts'
import { answerTka } from '../../src/machine/tka.ts'
import { frameCounters } from '../../src/map/frame-encoder.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import type { NodeRow, Role } from '../../src/store/rows.ts'
import { createPreAuthKey } from '../../src/tailnet/pre-auth-keys.ts'
import type { PreAuthKeySpec } from '../../src/tailnet/pre-auth-keys.ts'
import { openTailnets } from '../../src/tailnet/tailnets.ts'
import type { Tailnet } from '../../src/tailnet/tailnet.ts'
import { addUser } from '../../src/tailnet/users.ts'
import type { LooseJson } from './json.ts'

export const VERSION = 145
/** What the server calls itself. */
export const SERVER_URL = 'http://server.test'
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** Everything of a server, open to tests. */
export interface TestServer extends Disposable {
  readonly clock: FakeClock
  readonly store: Store
  readonly services: MachineServices
  readonly tailnet: Tailnet
  readonly runtime: TailnetRuntime
  readonly steering: Steering
  /** Makes a pre-auth key; a user is made for each role asked for. */
  authKey(spec?: Partial<Omit<PreAuthKeySpec, 'user'>> & { role?: Role }): string
  /** A machine that has not registered; or one that another server knew, with its keys. */
  machine(name: string, same?: Machine): Machine
  /** A machine that has registered, with its user's role. */
  join(name: string, role?: Role, spec?: Partial<Omit<PreAuthKeySpec, 'user'>>): Machine
  /** Stops, and starts again on what is stored. */
  restart(): TestServer
}

/** One machine with its keys. The node key is the test's to change. */
export interface Machine {
  readonly name: string
  readonly machineKey: MachinePrivate
  nodeKey: NodePrivate
  lockKey: LockPrivate
  /** The address that it comes from. */
  source: string
  readonly signer: LockSigner
  /** Registers as it is; what is given replaces fields of the request. */
  register(fields?: Partial<RegisterRequest>): RegisterResponse
  /** Registers and waits for the answer as long as it takes; the signal says that the machine left. */
  followUp(
    fields?: Partial<RegisterRequest>,
    signal?: AbortSignal,
  ): Promise<RegisterResponse | null>
  /** A lock call: the parsed answer with status 200, or status and text. */
  tka(path: string, fields?: Record<string, unknown>): Promise<TkaReply>
  /** Its record on the server. */
  row(): NodeRow
}

/** The answer to a lock call. */
export interface TkaReply {
  readonly status: number
  readonly text: string
  readonly json: LooseJson
}

const silent = pino({ level: 'silent' })

/** Opens a server on a database in memory. */
export function openTestServer(
  options: {
    store?: Store
    clock?: FakeClock
    wrapStore?: (store: Store) => Store
    intercept?: MachineServices['intercept']
    keyLifetimeMs?: number | null
    settings?: Partial<GuidanceSettings>
    ephemeralGraceMs?: number
  } = {},
): TestServer {
  const clock = options.clock ?? createFakeClock()
  const raw = options.store ?? openSqliteStore(':memory:')
  const store = options.wrapStore?.(raw) ?? raw
  const counters = frameCounters()
  const tailnets = openTailnets({
    store,
    clock,
    first: { name: 'default', domain: 'test.example' },
    openLock: (row) => openLock(store, row.id, clock.now),
  })
  const tailnet = tailnets.byName('default')
  // In a directory that is not there, nothing is ever read or written.
  const steering = startSteering('/nonexistent', {}, undefined, silent)
  const { settings } = steering
  settings.replace({ ...settings.current(), ...options.settings })
  const runtimes = createRuntimes({
    tailnets,
    store,
    clock,
    logger: silent,
    counters,
    intercept: options.intercept,
    settings,
    ephemeralGraceMs: options.ephemeralGraceMs,
  })
  const logins = createLogins(clock, () => SERVER_URL)
  const services: MachineServices = {
    tailnets,
    logins,
    loginLimits: createLoginLimits(clock.now),
    runtime: runtimes.of,
    lockCalls: runtimes.lockCalls,
    clock,
    logger: silent,
    counters,
    intercept: options.intercept,
    settings,
    calls: createNodeCalls(clock, () => 'http://server.example:8080'),
    keyLifetimeMs: options.keyLifetimeMs === undefined ? 180 * DAY : options.keyLifetimeMs,
  }
  const userOf = (role: Role): ReturnType<typeof addUser> => {
    for (const user of tailnet.users.values()) if (user.role === role) return user
    return addUser(tailnet, role, role, clock.now())
  }
  const server: TestServer = {
    clock,
    store,
    services,
    tailnet,
    runtime: runtimes.of(tailnet),
    steering,
    authKey({ role = 'owner', ...spec } = {}) {
      return createPreAuthKey(
        tailnet,
        {
          user: userOf(role),
          reusable: true,
          ephemeral: false,
          preApproved: false,
          tags: [],
          expiresAt: null,
          ...spec,
        },
        clock.now(),
      ).text
    },
    machine: (name, same) => createMachine(services, name, same),
    join(name, role = 'owner', spec = {}) {
      const machine = createMachine(services, name)
      const response = machine.register({ Auth: { AuthKey: server.authKey({ role, ...spec }) } })
      if (response.Error !== '') throw new Error(response.Error)
      return machine
    },
    restart() {
      runtimes[Symbol.dispose]()
      logins[Symbol.dispose]()
      return openTestServer({ ...options, store: raw, clock })
    },
    [Symbol.dispose]() {
      runtimes[Symbol.dispose]()
      logins[Symbol.dispose]()
      store.close()
    },
  }
  return server
}

/** Makes a machine for a server; a restarted server knows it by the same keys. */
export function createMachine(services: MachineServices, name: string, same?: Machine): Machine {
  const machineKey = same?.machineKey ?? generateMachineKey()
  const caller = {
    machineKey: machinePublicOf(machineKey),
    version: VERSION,
    get source() {
      return machine.source
    },
  }
  // Through its text, as it would arrive.
  const asArrived = (fields: Partial<RegisterRequest>): RegisterRequest =>
    parseRegisterRequest(
      encodeRegisterRequest({
        Version: VERSION,
        NodeKey: nodePublicOf(machine.nodeKey),
        OldNodeKey: zeroNodeKey,
        NLKey: lockPublicOf(machine.lockKey),
        Expiry: NO_TIME,
        Followup: '',
        Hostinfo: { OS: 'linux', Hostname: name },
        NodeKeySignature: null,
        ...fields,
      }),
    )
  const machine: Machine = {
    name,
    machineKey,
    nodeKey: same?.nodeKey ?? generateNodeKey(),
    lockKey: same?.lockKey ?? generateLockKey(),
    source: '192.0.2.7',
    get signer() {
      return lockSigner(machine.lockKey)
    },
    register(fields = {}) {
      const response = registerNow(services, caller, asArrived(fields))
      if ('held' in response) throw new Error('The answer is held: follow up instead')
      return response
    },
    followUp: (fields = {}, signal = new AbortController().signal) =>
      register(services, caller, asArrived(fields), signal),
    async tka(path, fields = {}) {
      const body = { Version: VERSION, NodeKey: nodePublicOf(machine.nodeKey), ...fields }
      try {
        const text = await answerTka(
          services,
          caller,
          `/machine/tka/${path}`,
          encodeUtf8(JSON.stringify(body)),
        )
        return { status: 200, text, json: JSON.parse(text) }
      } catch (error) {
        const answer = errorAnswer(error)
        if (answer.status === 500) throw error
        const text = typeof answer.body === 'string' ? answer.body : decodeUtf8(answer.body)
        return { status: answer.status, text, json: null }
      }
    },
    row() {
      const found = services.tailnets.findNode(nodePublicOf(machine.nodeKey))
      if (found === undefined) throw new Error(`${name} is not registered`)
      return found.node.row
    },
  }
  return machine
}

/** No key. */
export const zeroNodeKey = parseRegisterRequest('{}').NodeKey

/** A time on the wire. */
export function at(ms: number): string {
  return wireTime(ms)
}

/** A new disco key, as reported. */
export function newDiscoKey(): ReturnType<typeof discoPublicOf> {
  return discoPublicOf(generateDiscoKey())
}
