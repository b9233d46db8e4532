// SPDX-License-Identifier: Apache-2.0

/**
 * The stage of one scenario: a directory, a server, and clients of either make with one interface.
 * Everything is ended by its pid when the scenario is over.
 *
 * @module
 */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdminClient, PreAuthKeyRequest } from '@signet/protocol/admin-api'
import type { LocalClient, LockStatus, NodeStatus } from '@signet/protocol/local-api'
import {
  createPrograms,
  serverName,
  type NodeProgram,
  type Programs,
  type ServerProgram,
} from '../processes/programs.ts'
import {
  createOfficialNode,
  runToEnd,
  type Ended,
  type OfficialOptions,
  type OfficialRelease,
  type OfficialReleases,
} from '../support/official.ts'
import { until } from '../support/until.ts'
import { createNetwork, type Network } from './network.ts'
import type { Finding } from './runner.ts'
import type { Part } from './scenario.ts'

const WAIT_MS = 30_000
const LOOK_EVERY_MS = 50

/** A client of either make. */
export interface Member {
  readonly name: string
  /** An official client, or our own node. */
  readonly make: 'official' | 'signet'
  readonly socket: string
  readonly local: LocalClient
  /** Runs a command of its own make: `tailscale` or `signet`. */
  cli(words: readonly string[], ms?: number): Promise<Ended>
  /** The same; fails unless it exits with 0. Returns its standard output. */
  ok(words: readonly string[], ms?: number): Promise<string>
  start(): Promise<void>
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Resolves when the node's status is as wanted. */
  is(what: string, wanted: (status: NodeStatus) => boolean, ms?: number): Promise<NodeStatus>
  /** Resolves when the lock's status is as wanted. */
  lockIs(what: string, wanted: (status: LockStatus) => boolean, ms?: number): Promise<LockStatus>
  log(): string
}

/** How to make a member. */
export type MemberOptions = Partial<Omit<OfficialOptions, 'dir' | 'name' | 'release'>>

/** How a member joins. */
export interface JoinOptions {
  readonly key?: string
  /** What it dials, when it is not the server itself. */
  readonly url?: string
  /** Its name, unless told otherwise. */
  readonly hostname?: string
  readonly upFlags?: readonly string[]
}

/** A stage. */
export interface Stage extends AsyncDisposable {
  readonly programs: Programs
  /** Where the processes run, when it is not loopback. */
  readonly network?: Network
  readonly server: ServerProgram
  readonly admin: AdminClient
  /** The name of the user that owns the tailnet. */
  readonly user: string
  /** The official programs of each age; where there is one age only, both are the same. */
  readonly current: OfficialRelease
  readonly old: OfficialRelease
  /** Starts the server, at its first address when it ran before. */
  serve(flags?: readonly string[]): Promise<ServerProgram>
  stopServer(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Makes a pre-auth key: reusable, of the owner, unless told otherwise. */
  key(request?: PreAuthKeyRequest): Promise<string>
  /** Starts a client that has not joined. */
  member(part: Part, name: string, options?: MemberOptions): Promise<Member>
  /** Lets a client join. Resolves when it says that it runs. */
  join(member: Member, options?: JoinOptions): Promise<void>
  /** Starts a client and lets it join. */
  joined(part: Part, name: string, options?: MemberOptions & JoinOptions): Promise<Member>
  /** Runs an official command on whatever member it is. */
  theirs(member: Member, words: readonly string[]): Promise<Ended>
  /** Runs a command of ours on whatever member it is. */
  ours(member: Member, words: readonly string[]): Promise<Ended>
  /** Runs `signet admin ...`. Fails unless it exits with 0. */
  owner(words: readonly string[]): Promise<string>
  /** Puts something into the note of the row. */
  note(text: string): void
  readonly notes: readonly string[]
  /** Ends this with the stage, at the latest. */
  adopt(resource: AsyncDisposable): void
  /** Adds a row of its own to the matrix. */
  find(finding: Finding): void
  readonly findings: readonly Finding[]
  /** What everything has written. */
  log(): string
}

/** Where the processes run. */
export interface StageOptions {
  readonly releases: OfficialReleases
  /** How many namespaces for clients; everything is on loopback without any. */
  readonly spaces?: number
}

/** Makes a stage. The server does not run yet. */
export async function createStage(options: StageOptions): Promise<Stage> {
  const { releases, spaces = 0 } = options
  const own = mkdtempSync(join(tmpdir(), 'signet-official-'))
  const network = spaces > 0 ? await createNetwork(own, spaces) : undefined
  const programs = createPrograms(
    network && { wrap: network.hub.wrap, listen: `${network.hub.address}:443` },
  )
  const stunPort = await freeUdpPort()
  const members: (Member & Partial<AsyncDisposable>)[] = []
  const notes: string[] = []
  const findings: Finding[] = []
  const adopted: AsyncDisposable[] = []
  let server: ServerProgram | undefined
  let key: string | undefined

  const running = (): ServerProgram => {
    if (server === undefined) throw new Error('The server does not run')
    return server
  }
  const stage: Stage = {
    programs,
    ...(network && { network }),
    get server() {
      return running()
    },
    get admin() {
      return running().admin
    },
    user: 'ann',
    current: releases.current,
    old: releases.old ?? releases.current,
    async serve(flags = []) {
      const isFirst = server === undefined
      server = await programs.serve(['--stun-port', String(stunPort), ...flags])
      if (isFirst) await server.admin.createUser({ name: 'ann' })
      return server
    },
    async stopServer(signal) {
      await (signal === 'SIGKILL' ? running().kill() : running().end())
    },
    async key(request) {
      if (request !== undefined) return (await stage.admin.createKey(request)).key
      key ??= (await stage.admin.createKey({ user: 'ann', reusable: true })).key
      return key
    },
    async member(part, name, memberOptions = {}) {
      const dir = programs.stateDir(name)
      const member =
        part === 'signet'
          ? createSignetMember(programs, name, signetFlags(memberOptions.env))
          : createOfficialNode({
              ...memberOptions,
              dir,
              name,
              release: part === 'old' ? stage.old : stage.current,
            })
      members.push(member)
      await member.start()
      return member
    },
    async join(member, { key: given, url, hostname = member.name, upFlags = [] } = {}) {
      const authKey = given ?? (await stage.key())
      const server = url ?? running().url
      const words = [`--login-server=${server}`, `--auth-key=${authKey}`, `--hostname=${hostname}`]
      const { status, stdout, stderr } = await member.cli(['up', ...words, ...upFlags])
      // Our own command says with 3 that the lock keeps the node out.
      if (status !== 0 && status !== 3) {
        throw new Error(`${member.name}: up: exit ${status}\n${stdout}${stderr}`)
      }
      await member.is('runs', ({ BackendState }) => BackendState === 'Running')
    },
    async joined(part, name, both = {}) {
      const member = await stage.member(part, name, both)
      await stage.join(member, both)
      return member
    },
    theirs: (member, words) =>
      runToEnd(releases.current.tailscale, [`--socket=${member.socket}`, ...words]),
    ours: (member, words) => programs.signet([...words, '--socket', member.socket]),
    owner: (words) => programs.ok(serverName, words),
    note: (text) => void notes.push(text),
    notes,
    adopt: (resource) => void adopted.push(resource),
    find: (finding) => void findings.push(finding),
    findings,
    log() {
      const ours = programs.accounts
        .filter(({ stderr }) => stderr !== '')
        .map(({ cmdline, stderr }) => `==== ${cmdline}\n${stderr}`)
      const theirs = members
        .filter((member) => member.log() !== '')
        .map((member) => `==== ${member.name}\n${member.log()}`)
      return [...ours, ...theirs].join('\n')
    },
    async [Symbol.asyncDispose]() {
      for (const resource of adopted) await resource[Symbol.asyncDispose]()
      for (const member of members) await member.stop('SIGKILL')
      await programs[Symbol.asyncDispose]()
      await network?.[Symbol.asyncDispose]()
      rmSync(own, { recursive: true, force: true })
    },
  }
  return stage
}

/** Our own node behind the interface of the others. */
function createSignetMember(programs: Programs, name: string, flags: readonly string[]): Member {
  let program: NodeProgram | undefined
  let isRunning = false
  const running = (): NodeProgram => {
    if (program === undefined) throw new Error(`${name} does not run`)
    return program
  }
  const wait = <T extends object>(
    what: string,
    look: () => Promise<T>,
    wanted: (value: T) => boolean,
    ms = WAIT_MS,
  ): Promise<T> =>
    until(
      `${name}: ${what}`,
      async () => {
        const value = await look()
        return wanted(value) ? value : undefined
      },
      { deadlineMs: ms, everyMs: LOOK_EVERY_MS },
    )
  return {
    name,
    make: 'signet',
    socket: join(programs.stateDir(name), 'node.sock'),
    get local() {
      return running().local
    },
    cli: (words) => programs.on(name, words),
    ok: (words) => programs.ok(name, words),
    async start() {
      program = await programs.node(name, flags)
      isRunning = true
    },
    async stop(signal = 'SIGTERM') {
      if (!isRunning) return
      isRunning = false
      await (signal === 'SIGKILL' ? running().kill() : running().end())
    },
    is: (what, wanted, ms) => wait(what, () => running().local.status(), wanted, ms),
    lockIs: (what, wanted, ms) => wait(what, () => running().lock(), wanted, ms),
    // The programs keep it.
    log: () => '',
  }
}

/** What an official client is told by its environment, a node of ours is told by flags. */
function signetFlags(env: Readonly<Record<string, string>> = {}): readonly string[] {
  return env['TS_DEBUG_DISABLE_UDP'] === '1' ? ['--bind', 'none'] : []
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const closed = once(socket, 'close')
  socket.close()
  await closed
  return port
}
