// SPDX-License-Identifier: Apache-2.0

/**
 * Clients of a relay on sockets.
 *
 * @module
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { encodeClientInfo, GreetingReader, ServerMessageReader } from '@signet/derp'
import type { ServerMessage } from '@signet/derp'
import type { DerpMeshKey, NodePrivate } from '@signet/keys'

/** What asks for the relay, but for further headers and the empty line. */
export const UPGRADE = 'GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n'
/** What is answered. */
export const HELLO: RegExp =
  /^HTTP\/1\.1 101 [^]*?Derp-Version: 2\r\nDerp-Public-Key: [0-9a-f]{64}\r\n\r\n/

/** A client of the relay on a socket. */
export interface RelaySocket extends Disposable {
  readonly socket: Socket
  /** Waits for the next message. */
  next(): Promise<ServerMessage>
  readonly closed: Promise<unknown>
}

/** Connects to a relay on this machine, and introduces itself. */
export function dialRelay(
  port: number,
  nodeKey: NodePrivate,
  { headers = '', meshKey = null }: { headers?: string; meshKey?: DerpMeshKey | null } = {},
): RelaySocket {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  const greeting = new GreetingReader()
  const waiting: ((message: ServerMessage) => void)[] = []
  const arrived: ServerMessage[] = []
  let head: string | undefined = headers.includes('Fast-Start') ? undefined : ''
  let reader: ServerMessageReader | undefined
  const read = (bytes: Uint8Array): void =>
    reader?.push(bytes, (message) => {
      const waiter = waiting.shift()
      // Views of the chunk are good for as long as the test looks at them.
      if (waiter) waiter(message)
      else arrived.push(message)
    })
  socket.on('data', (chunk: Buffer) => {
    let bytes = chunk
    if (head !== undefined) {
      head += chunk.toString('latin1')
      const [hello] = HELLO.exec(head) ?? []
      if (hello === undefined) return
      bytes = Buffer.from(head.slice(hello.length), 'latin1')
      head = undefined
    }
    if (reader !== undefined) return read(bytes)
    const found = greeting.push(bytes)
    if (found === undefined) return
    reader = new ServerMessageReader(nodeKey, found.serverKey)
    const info = { version: 2, canAckPings: true, isProber: false, appName: '', meshKey }
    const nonce = new Uint8Array(24)
    socket.write(encodeClientInfo({ clientKey: nodeKey, serverKey: found.serverKey, nonce, info }))
    read(found.rest)
  })
  socket.write(`${UPGRADE}${headers}\r\n`)
  return {
    socket,
    closed,
    next: () =>
      new Promise((resolve) => {
        const message = arrived.shift()
        if (message) resolve(message)
        else waiting.push(resolve)
      }),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** Waits, turn by turn of the event loop, until something is so. */
export async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000; turn++) {
    if (isSo()) return
    await new Promise(setImmediate)
  }
  throw new Error(`It did not come to this: ${what}`)
}
