// SPDX-License-Identifier: Apache-2.0

/**
 * WebSockets as byte streams: browsers have no other way to a protocol that is not HTTP. Messages are
 * binary, and where one ends means nothing.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { MAX_SENT_MESSAGE, MAX_WEBSOCKET_FRAGMENTS } from '../limits.ts'

/** Takes requests for a WebSocket. */
export interface WebSocketDoor {
  /**
   * Answers an upgrade. A request that is none, or without our subprotocol, is answered with an error,
   * and nothing is handed over.
   */
  accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    serve: (stream: Duplex) => void,
  ): void
}

/** Whether a request asks for a WebSocket that carries this subprotocol. */
export function asksForWebSocket({ headers }: IncomingMessage, subprotocol: string): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return headers.upgrade?.toLowerCase() === 'websocket' && offered.includes(subprotocol)
}

/** Makes a door for one subprotocol. Pages of any origin may knock: who they are is asked inside. */
export function createWebSocketDoor(subprotocol: string, maxMessage: number): WebSocketDoor {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // What is carried is encrypted, so it does not shrink.
    perMessageDeflate: false,
    maxPayload: maxMessage,
    maxFragments: MAX_WEBSOCKET_FRAGMENTS,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  })
  return {
    accept(request, socket, head, serve) {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        if (webSocket.protocol !== subprotocol) {
          webSocket.terminate()
          return
        }
        const stream = createWebSocketStream(webSocket, {
          // Parts of one write go out together.
          writev: (chunks, callback) =>
            sendInMessages(
              webSocket,
              Buffer.concat(chunks.map(({ chunk }) => toBytes(chunk))),
              callback,
            ),
        })
        stream._write = (chunk, _encoding, callback) =>
          sendInMessages(webSocket, toBytes(chunk), callback)
        webSocket.prependListener('message', (_data, isBinary) => {
          if (isBinary) return
          stream.destroy()
        })
        stream.on('error', () => stream.destroy())
        serve(stream)
      })
    },
  }
}

function sendInMessages(
  webSocket: WebSocket,
  bytes: Uint8Array,
  callback: (error?: Error | null) => void,
): void {
  let start = 0
  for (; bytes.length - start > MAX_SENT_MESSAGE; start += MAX_SENT_MESSAGE) {
    webSocket.send(bytes.subarray(start, start + MAX_SENT_MESSAGE))
  }
  webSocket.send(bytes.subarray(start), callback)
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  throw new TypeError('Expected bytes')
}
