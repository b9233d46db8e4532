// SPDX-License-Identifier: Apache-2.0

/**
 * A machine of the demo: its node as a process, commands typed on it, and what an onlooker can see
 * of it: its local API, and its files.
 *
 * @module
 */

import { join } from 'node:path'
import { createUnixTransport } from '@signet/cli'
import {
  createLocalClient,
  PingKind,
  type LocalClient,
  type LockStatus,
  type NodeStatus,
} from '@signet/protocol/local-api'
import { aumHashText, openAuthority } from '@signet/tka'
import { toBase32 } from '@signet/codec'
import { diskFiles } from '../../packages/node/src/durable-file.ts'
import { openFileStore } from '../../packages/node/src/lock/file-store.ts'
import * as screen from './screen.ts'
import { soon, Surprise } from './claims.ts'
import type { Outcome, Program, Stage } from './stage.ts'

/** One machine. */
export interface Machine {
  readonly name: string
  /** Types a command, shows it with its answer, and expects this exit code. @throws Surprise */
  type(command: string, options?: TypeOptions): Promise<Outcome>
  /** Runs a command without showing it. */
  quietly(command: string): Promise<Outcome>
  /** Pings another machine through WireGuard; returns what went wrong, '' for a pong. */
  ping(other: Machine): Promise<string>
  status(): Promise<NodeStatus>
  lock(): Promise<LockStatus>
  /** The names of the peers that the gate let in, in order. */
  peers(): Promise<string>
  /** The head in force, '' when the lock is off. */
  head(): Promise<string>
  /** The head that a restart would open: read from the node's files, not from its memory. */
  persistedHead(): string
  /** Stops the node and starts it again on what it left on disk; `meanwhile` may change that. */
  restart(meanwhile?: () => void): Promise<void>
}

/** How a command is shown. */
export interface TypeOptions {
  /** The exit code that the story needs; 0 when not given. */
  readonly exit?: number
  /** Most lines of the answer to show. */
  readonly lines?: number
}

/** Starts a node. */
export async function startMachine(stage: Stage, name: string): Promise<Machine> {
  const words = ['node', '--state-dir', name, '--bind', '127.0.0.1', '--port', '0']
  const start = async (): Promise<Program> => {
    screen.typed(name, `signet ${words.join(' ')} &`)
    const program = stage.serve(words)
    screen.answered(await program.line())
    return program
  }
  let node = await start()
  const local: LocalClient = createLocalClient(
    createUnixTransport({
      socket: join(stage.dir, name, 'node.sock'),
      host: 'local-tailscaled.sock',
      peer: name,
      hint: '',
      signal: new AbortController().signal,
    }),
  )
  const run = (command: string): Promise<Outcome> => stage.signet(name, command.split(' '))
  return {
    name,
    async type(command, { exit = 0, lines = 8 } = {}) {
      screen.typed(name, `signet ${command}`)
      const outcome = await run(command)
      screen.answered(outcome.out + outcome.err, lines)
      if (outcome.code !== exit) {
        const actual = `exit code ${outcome.code}: ${outcome.err.trim()}`
        throw new Surprise(`signet ${command} on ${name}`, `exit code ${exit}`, actual)
      }
      return outcome
    },
    quietly: run,
    async ping(other) {
      const { Self } = await other.status()
      const pong = await local.ping(Self?.TailscaleIPs?.[0] ?? '', PingKind.Icmp)
      return pong.Err
    },
    status: () => local.status(),
    lock: () => local.lock.status(),
    async peers() {
      const { Peer } = await local.status()
      return Object.values(Peer ?? {})
        .map((peer) => peer.DNSName.split('.')[0] ?? '')
        .sort()
        .join(' ')
    },
    async head() {
      const { Head } = await local.lock.status()
      return Head === null ? '' : toBase32(Head)
    },
    persistedHead() {
      const store = openFileStore(diskFiles, join(stage.dir, name, 'lock'), () => 0)
      return aumHashText(openAuthority(store).head)
    },
    async restart(meanwhile) {
      await node.stop()
      meanwhile?.()
      node = await start()
      await soon(`${name} is connected again`, 'Running', async () => {
        const { BackendState } = await local.status()
        return BackendState === 'Running' || BackendState
      })
    },
  }
}
