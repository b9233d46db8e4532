// SPDX-License-Identifier: Apache-2.0

/**
 * A local API on a real unix socket that answers what the test says, and remembers what it was
 * asked.
 */

import { createServer, type IncomingMessage } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  encodeLockStatus,
  encodeNodeStatus,
  lockStatusOf,
  nodeStatus,
  type LockStatus,
  type NodeStatus,
} from '@signet/protocol/local-api'
import type { CliIo } from '../src/io.ts'
import { run } from '../src/run.ts'

/** An answer: a status and a body, or lines that stay open until the caller goes away. */
export interface Answer {
  readonly status?: number
  readonly body?: string | Uint8Array
  readonly stayOpen?: boolean
}

/** One call that arrived. */
export interface Call {
  /** 'POST tka/sign' */
  readonly what: string
  readonly query: string
  readonly body: Buffer
}

type Answers = Readonly<Record<string, Answer | ((call: Call) => Answer)>>

/** A fake node and the command line that speaks to it. */
export interface FakeNode {
  readonly socket: string
  readonly calls: readonly Call[]
  /** Runs a command line against it. */
  signet(words: string | readonly string[], options?: CliOptions): Promise<CliResult>
}

/** What a command printed. */
export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** The outside of one command. */
export interface CliOptions {
  readonly input?: string
  /** Given: the command runs on a terminal, and this is typed. */
  readonly typed?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly colour?: boolean
}

/** Serves `answers` by method and path below the prefix; everything else is 404. */
export async function fakeNode(
  t: TestContext,
  answers: Answers,
  prefix = '/localapi/v0/',
): Promise<FakeNode> {
  const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
  const socket = join(dir, 'node.sock')
  const calls: Call[] = []
  const server = createServer((request, response) => {
    const reply = async (): Promise<void> => {
      const body = await readBody(request)
      const url = new URL(request.url ?? '', 'http://x')
      const what = `${request.method} ${url.pathname.replace(prefix, '')}`
      const call = { what, query: url.search, body }
      calls.push(call)
      const found = answers[what]
      const answer = typeof found === 'function' ? found(call) : found
      response.statusCode = answer?.status ?? (answer === undefined ? 404 : 200)
      if (answer?.stayOpen === true) response.write(answer.body ?? '')
      else response.end(answer?.body ?? (answer === undefined ? '404 page not found\n' : ''))
    }
    void reply()
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
    rmSync(dir, { recursive: true })
  })
  return {
    socket,
    calls,
    signet: (words, options = {}) =>
      signet(words, { ...options, env: { SIGNET_SOCKET: socket, ...options.env } }),
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

/** Runs a command line inside this process. */
export async function signet(
  words: string | readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  let out = ''
  let err = ''
  const typed = [...(options.typed ?? [])]
  let clock = Date.parse('2026-11-22T18:00:00Z')
  const io: CliIo = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readInput: async () => options.input ?? '',
    ask: async (question) => {
      err += question
      return typed.shift() ?? ''
    },
    interactive: options.typed !== undefined,
    colour: options.colour === true,
    env: options.env ?? {},
    now: () => clock,
    sleep: async (milliseconds) => void (clock += milliseconds),
    signal: new AbortController().signal,
    onHangup: () => () => {},
  }
  const code = await run(typeof words === 'string' ? words.split(' ') : words, io)
  return { code, out, err }
}

/** The answer to `status`. */
export function statusAnswer(status: Partial<NodeStatus>): Answer {
  return { body: encodeNodeStatus(nodeStatus({ BackendState: 'Running', ...status })) }
}

/** The answer to `tka/status`. */
export function lockAnswer(status: Partial<LockStatus>): Answer {
  return { body: encodeLockStatus(lockStatusOf(status)) }
}
