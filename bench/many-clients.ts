// SPDX-License-Identifier: Apache-2.0

/**
 * Many nodes in one process, each with a machine key and a connection of its own, that do nothing
 * but keep their map stream open and notice when a change has come.
 *
 * @module
 */

import { once } from 'node:events'
import { zstdDecompressSync } from 'node:zlib'
import { decodeUtf8 } from '@signet/codec'
import {
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  lockPublicOf,
  nodePublicOf,
  type LockPrivate,
  type MachinePrivate,
  type MachinePublic,
  type NodePublic,
} from '@signet/keys'
import { MapFrameReader, NO_TIME } from '@signet/protocol'
import { dialControl } from '@signet/ts2021'

const VERSION = 145
const REPLY_LIMIT = 4 << 20
const LONG_AGO_MS = 123_000

/** What clients need to join. */
export interface JoinOptions {
  readonly url: string
  readonly serverKey: MachinePublic
  readonly authKey: string
  /** Sees each message of the stream, still compressed. */
  readonly onMessage: (payload: Uint8Array) => void
  /** To come back as who one was. */
  readonly identity?: Identity | undefined
  /** Leaves nothing behind when it logs out. */
  readonly ephemeral?: boolean | undefined
}

/** The keys of a node. */
export interface Identity {
  readonly nodeKey: NodePublic
  readonly machineKey: MachinePrivate
  readonly lockKey: LockPrivate
}

/** One node. */
export interface Client {
  readonly identity: Identity
  /** Opens the map stream; resolves with its first message, a whole map. */
  stream(): Promise<void>
  /** Tells the server where this node is. */
  report(endpoint: string): Promise<void>
  /** Makes a call of the lock and returns the answer. */
  tka(call: string, body: object): Promise<unknown>
  logOut(): Promise<void>
  close(): void
}

/** Connects and registers one node. */
export async function join(name: string, options: JoinOptions): Promise<Client> {
  const { url, serverKey, authKey, onMessage, ephemeral = false } = options
  const identity = options.identity ?? {
    nodeKey: nodePublicOf(generateNodeKey()),
    machineKey: generateMachineKey(),
    lockKey: generateLockKey(),
  }
  const { nodeKey, machineKey, lockKey } = identity
  const connection = await dialControl({ url, machineKey, serverKey, version: VERSION })
  const Hostinfo = { OS: 'linux', Hostname: name }
  const send = async (path: string, body: object, method: 'GET' | 'POST' = 'POST') =>
    await connection.request({
      method,
      path,
      body: JSON.stringify({ Version: VERSION, NodeKey: nodeKey, Hostinfo, ...body }),
    })
  const whole = async (path: string, body: object, method?: 'GET'): Promise<string> => {
    const reply = await send(path, body, method)
    const text = decodeUtf8(await reply.body(REPLY_LIMIT))
    if (reply.status !== 200) throw new Error(`Cannot measure: ${path} ${reply.status} ${text}`)
    return text
  }
  const register = async (body: object): Promise<void> => {
    const text = await whole('/machine/register', { NLKey: lockPublicOf(lockKey), ...body })
    const { Error: error } = JSON.parse(text) as { Error?: string }
    if (error) throw new Error(`Cannot measure: registration refused: ${error}`)
  }
  await register({ Auth: { AuthKey: authKey }, Expiry: NO_TIME, Ephemeral: ephemeral })
  return {
    identity,
    async stream() {
      const reply = await send('/machine/map', { Compress: 'zstd', KeepAlive: true, Stream: true })
      if (reply.status !== 200) throw new Error(`Cannot measure: stream ${reply.status}`)
      const frames = new MapFrameReader()
      let isFirst = true
      const first = once(reply.stream, 'first')
      reply.stream.on('data', (chunk: Uint8Array) => {
        for (const payload of frames.push(chunk)) {
          if (isFirst) reply.stream.emit('first')
          else onMessage(payload)
          isFirst = false
        }
      })
      await first
    },
    async report(endpoint) {
      await whole('/machine/map', { Compress: 'zstd', OmitPeers: true, Endpoints: [endpoint] })
    },
    tka: async (call, body): Promise<unknown> =>
      JSON.parse(await whole(`/machine/tka/${call}`, body, 'GET')),
    logOut: () => register({ Expiry: new Date(LONG_AGO_MS).toISOString() }),
    close: () => connection.close(),
  }
}

/** Waits for a text to come to a number of clients. All get the same bytes, so one looks inside. */
export function createWatch(): {
  onMessage(payload: Uint8Array): void
  expect(text: string, clients: number): Promise<number>
} {
  let wanted = ''
  let missing = 0
  let known: Uint8Array = new Uint8Array()
  let done: (at: number) => void = () => {}
  return {
    onMessage(payload) {
      if (missing === 0) return
      if (Buffer.compare(known, payload) !== 0) {
        if (!decodeUtf8(zstdDecompressSync(payload)).includes(wanted)) return
        known = payload
      }
      missing--
      if (missing === 0) done(performance.now())
    },
    expect(text, clients) {
      wanted = text
      missing = clients
      known = new Uint8Array()
      return new Promise((resolve) => {
        done = resolve
      })
    },
  }
}
