// SPDX-License-Identifier: Apache-2.0

/**
 * Interactive logins that are under way: a machine asked, and a person has to decide.
 *
 *      asks ──> waiting ──> approved ──> joined
 *                  └──────> denied
 *
 * All of it lives in memory. After a restart of the server a machine that waits is given another address, which
 * costs a person one more look. What is here proves nothing to anybody: an address is hard to guess, and knowing
 * one lets nobody in. The machine that waits is known by its machine key, and whoever decides by the admin socket.
 *
 * Anybody can make machine keys and ask, so the logins of machines that have no node here are bounded. When there is
 * no room, the address from which most were asked for loses one: the oldest that nobody waits for, or the oldest. So
 * who asks for a thousand drives out their own. Machines that have a node take one place each, besides.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { toHex } from '@signet/codec'
import type { LockPublic, MachinePublic, NodePublic } from '@signet/keys'
import type { Clock } from '../clock.ts'
import { DECIDED_LOGIN_MS, LOGIN_MS, MAX_FOLLOWUPS, MAX_STRANGER_LOGINS } from '../limits.ts'
import { addressBytes, placeOf } from '../relay/strangers.ts'
import type { UserRow } from '../store/rows.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'

/** What the machine asks for, as shown to whoever decides. */
export interface LoginRequest {
  readonly nodeKey: NodePublic
  readonly lockKey: LockPublic | null
  readonly hostname: string
  readonly os: string
  readonly requestedTags: readonly string[]
  readonly ephemeral: boolean
  /** The address of the connection. */
  readonly from: string
  /** The tailnet of the node whose key is to be replaced; null when the machine names none. */
  readonly tailnet: Tailnet | null
  /** The id of that node. */
  readonly node: number | null
  /** A signature that came with the request. The followup does not repeat it. */
  readonly signature: Uint8Array | null
}

/** What whoever let a machine in decided. */
export interface Approval {
  readonly tailnet: Tailnet
  /** Null: who owns the node already, or else the owner of the tailnet. */
  readonly user: UserRow | null
  /** Null: the tags that the node has already. */
  readonly tags: readonly string[] | null
  readonly ephemeral: boolean
}

/** Where a login stands. */
export type LoginState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'approved'; readonly approval: Approval }
  | { readonly kind: 'joined'; readonly approval: Approval; readonly node: number }
  | { readonly kind: 'denied' }

/** One login. Changed by {@link Logins} alone. */
export interface Login {
  readonly id: string
  readonly machineKey: MachinePublic
  readonly askedAt: number
  readonly request: LoginRequest
  readonly state: LoginState
  /** Why the last approval came to nothing. */
  readonly problem: string
}

/** Why a wait is over. When others took its place, asking again at once would take theirs. */
export type Woken = 'changed' | 'replaced'

/** All logins that are under way. */
export interface Logins extends Disposable {
  /** What a person opens. */
  urlOf(login: Login): string
  byId(id: string): Login | undefined
  /** By the address that the machine was given, to the letter. */
  byUrl(url: string): Login | undefined
  ofMachine(key: MachinePublic): Login | undefined
  all(): readonly Login[]
  /** A machine asks; what it asked before is replaced. */
  ask(machineKey: MachinePublic, request: LoginRequest, isStranger: boolean): Login
  /** What was decided; whoever waits is woken. */
  decide(login: Login, state: LoginState, problem?: string): void
  /** Resolves when something is decided, the login is forgotten, or the signal aborts. */
  changed(login: Login, signal: AbortSignal): Promise<Woken>
  /** Whether a node that is here waits for this key to be approved as its next one. */
  isExpected(key: NodePublic): boolean
  /** Whether a machine is waiting on an open connection. */
  isHeld(key: MachinePublic): boolean
}

type Entry = {
  -readonly [K in keyof Login]: Login[K]
} & {
  readonly isStranger: boolean
  readonly place: string
  readonly waiters: Set<(how: Woken) => void>
  cancel: () => void
}

/** Makes an empty memory. `url` is what the server calls itself. */
export function createLogins(clock: Clock, url: () => string): Logins {
  const entries = new Map<string, Entry>()
  const byMachine = new Map<MachinePublic, Entry>()

  const wake = ({ waiters }: Entry, how: Woken): void => {
    const woken = [...waiters]
    waiters.clear()
    for (const each of woken) each(how)
  }
  const forget = (entry: Entry, how: Woken): void => {
    entry.cancel()
    entries.delete(entry.id)
    if (byMachine.get(entry.machineKey) === entry) byMachine.delete(entry.machineKey)
    wake(entry, how)
  }
  const keepFor = (entry: Entry, ms: number): void => {
    entry.cancel()
    entry.cancel = clock.schedule(ms, () => forget(entry, 'changed'))
  }
  const makeRoom = (): void => {
    const strangers = [...entries.values()].filter((entry) => entry.isStranger)
    if (strangers.length < MAX_STRANGER_LOGINS) return
    const crowds = Map.groupBy(strangers, ({ place }) => place)
    const crowd = [...crowds.values()].reduce((a, b) => (b.length > a.length ? b : a))
    const victim = crowd.find((entry) => entry.waiters.size === 0) ?? crowd[0]
    // Were it to ask again at once, it would drive out the next one, and so on.
    if (victim !== undefined) forget(victim, 'replaced')
  }
  const entryOf = (login: Login): Entry | undefined => {
    const entry = entries.get(login.id)
    return entry === login ? entry : undefined
  }
  const urlOf = ({ id }: Login): string => `${url()}/login/${id}`

  return {
    urlOf,
    byId: (id) => entries.get(id),
    byUrl(text) {
      const entry = entries.get(text.slice(text.lastIndexOf('/') + 1))
      return entry !== undefined && urlOf(entry) === text ? entry : undefined
    },
    ofMachine: (key) => byMachine.get(key),
    all: () => [...entries.values()],
    ask(machineKey, request, isStranger) {
      const before = byMachine.get(machineKey)
      // Under another address: official clients take the one that they know already for no answer.
      if (before !== undefined) forget(before, 'replaced')
      if (isStranger) makeRoom()
      const entry: Entry = {
        // 128 bits: nobody finds another's by trying.
        id: toHex(randomBytes(16)),
        machineKey,
        askedAt: clock.now(),
        request,
        state: { kind: 'waiting' },
        problem: '',
        isStranger,
        place: placeOf(addressBytes(request.from)),
        waiters: new Set(),
        cancel: () => {},
      }
      entries.set(entry.id, entry)
      byMachine.set(machineKey, entry)
      keepFor(entry, LOGIN_MS)
      return entry
    },
    decide(login, state, problem = '') {
      const entry = entryOf(login)
      if (entry === undefined) return
      entry.state = state
      entry.problem = problem
      const isOver = state.kind === 'joined' || state.kind === 'denied'
      keepFor(entry, isOver ? DECIDED_LOGIN_MS : LOGIN_MS)
      if (state.kind !== 'waiting') wake(entry, 'changed')
    },
    changed(login, signal) {
      const entry = entryOf(login)
      if (entry === undefined || signal.aborted) return Promise.resolve('changed')
      const [oldest] = entry.waiters
      if (oldest !== undefined && entry.waiters.size >= MAX_FOLLOWUPS) oldest('replaced')
      return new Promise((resolve) => {
        const leave = (): void => done('changed')
        const done = (how: Woken): void => {
          entry.waiters.delete(done)
          signal.removeEventListener('abort', leave)
          resolve(how)
        }
        entry.waiters.add(done)
        signal.addEventListener('abort', leave)
      })
    },
    isExpected(key) {
      for (const { request, state } of entries.values()) {
        if (request.nodeKey !== key || request.node === null) continue
        return state.kind !== 'denied' && request.tailnet?.nodes.has(request.node) === true
      }
      return false
    },
    isHeld: (key) => (byMachine.get(key)?.waiters.size ?? 0) > 0,
    [Symbol.dispose]() {
      for (const entry of entries.values()) forget(entry, 'changed')
    },
  }
}
