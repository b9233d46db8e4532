// SPDX-License-Identifier: Apache-2.0

/**
 * A server in a process of its own, and many nodes that join it.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseMachinePublic } from '@signet/keys'
import { type Client, join, type JoinOptions } from './many-clients.ts'
import { reusableKey } from './pre-auth-key.ts'
import type { Question, ServerAddress, ServerCounts } from './server-process.ts'
import { type Usage, usageOf } from './usage.ts'

/** Nodes that do something at once. */
export const AT_ONCE = 16
/** What `bin/signet` starts a server with. */
const LAUNCHER_FLAG = '--max-semi-space-size=4'
/** Quiet means: for so long, nothing was sent to anybody. */
const QUIET_MS = 1_000
const LOOK_MS = 100

/** A server that is measured. */
export interface BenchServer {
  /** What its process uses, seen from outside. */
  usage(): Usage
  counts(question?: Question): Promise<ServerCounts>
  /** Joins one node; it opens no stream yet. */
  join(name: string, options?: Partial<JoinOptions>): Promise<Client>
  /** Waits until the server has nothing left to send; returns when it sent its last. */
  quiet(): Promise<number>
}

/** Starts a server, works with it, and ends it. */
export async function withServer<T>(work: (server: BenchServer) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(joinPath(tmpdir(), 'signet-bench-'))
  const child = fork(new URL('server-process.ts', import.meta.url).pathname, [folder], {
    execArgv: ['--expose-gc', LAUNCHER_FLAG],
  })
  try {
    const address = await nextMessage<ServerAddress>(child)
    const authKey = await reusableKey(joinPath(folder, 'admin.sock'))
    return await work(benchServer(child, address, authKey))
  } finally {
    child.kill()
    await once(child, 'exit')
    rmSync(folder, { recursive: true })
  }
}

function benchServer(child: ChildProcess, address: ServerAddress, authKey: string): BenchServer {
  const { pid } = child
  if (pid === undefined) throw new Error('Cannot measure: the server did not start')
  const counts = async (question: Question = 'count'): Promise<ServerCounts> => {
    child.send(question)
    return await nextMessage<ServerCounts>(child)
  }
  return {
    usage: () => usageOf(pid),
    counts,
    join: (name, options) =>
      join(name, {
        url: address.url,
        serverKey: parseMachinePublic(address.publicKey),
        authKey,
        onMessage: () => {},
        ...options,
      }),
    async quiet() {
      let frames = -1
      let since = performance.now()
      for (;;) {
        const now = await counts()
        if (now.frames !== frames) {
          frames = now.frames
          since = performance.now()
        } else if (performance.now() - since > QUIET_MS) return since
        await sleep(LOOK_MS)
      }
    },
  }
}

/** Does a number of things, a few at once. */
export async function inLanes<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  async function lane(): Promise<void> {
    while (next < count) {
      const index = next++
      results[index] = await work(index)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return results
}

/** An item that is there. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new Error(`Cannot measure: nothing at ${index}`)
  return item
}

async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T]
  return message
}
