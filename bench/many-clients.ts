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
  type MachinePublic,
} from '@signet/keys'
import { MapFrameReader, NO_TIME } from '@signet/protocol'
import { dialControl } from '@signet/ts2021'

const VERSION = 145
const REPLY_LIMIT = 1 << 20

/** What clients need to join. */
export interface JoinOptions {
  readonly url: string
  readonly serverKey: MachinePublic
  readonly authKey: string
  /** Sees each message of the stream, still compressed. */
  readonly onMessage: (payload: Uint8Array) => void
}

/** One node. */
export interface Client {
  readonly nodeKey: string
  /** Opens the map stream; resolves with its first message, a whole map. */
  stream(): Promise<void>
  /** Tells the server where this node is. */
  report(endpoint: string): Promise<void>
  close(): void
}

/** Connects and registers one node. */
export async function join(name: string, options: JoinOptions): Promise<Client> {
  const { url, serverKey, authKey, onMessage } = options
  const nodeKey = nodePublicOf(generateNodeKey())
  const machineKey = generateMachineKey()
  const connection = await dialControl({ url, machineKey, serverKey, version: VERSION })
  const Hostinfo = { OS: 'linux', Hostname: name }
  const post = async (path: string, body: object) =>
    await connection.request({
      method: 'POST',
      path,
      body: JSON.stringify({ Version: VERSION, NodeKey: nodeKey, Hostinfo, ...body }),
    })
  const whole = async (path: string, body: object): Promise<void> => {
    const reply = await post(path, body)
    const text = decodeUtf8(await reply.body(REPLY_LIMIT))
    if (reply.status !== 200) throw new Error(`Cannot measure: ${path} ${reply.status} ${text}`)
  }
  await whole('/machine/register', {
    NLKey: lockPublicOf(generateLockKey()),
    Auth: { AuthKey: authKey },
    Expiry: NO_TIME,
  })
  return {
    nodeKey,
    async stream() {
      const reply = await post('/machine/map', { Compress: 'zstd', KeepAlive: true, Stream: true })
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
    report: (endpoint) =>
      whole('/machine/map', { Compress: 'zstd', OmitPeers: true, Endpoints: [endpoint] }),
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
