// SPDX-License-Identifier: Apache-2.0

/**
 * Refusals to those who do not get as far as a request that could be answered: a sentence, and the end.
 *
 * @module
 */

import { STATUS_CODES } from 'node:http'
import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { REFUSED_LINGER_MS } from '../limits.ts'

/** Says why and closes. Whoever does not read it in time does not keep the socket. */
export function refuse(socket: Duplex, status: number, reason: string): void {
  const deadline = setTimeout(() => socket.destroy(), REFUSED_LINGER_MS)
  deadline.unref()
  socket.once('close', () => clearTimeout(deadline))
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(reason)}`,
      'Connection: close',
      '',
      reason,
    ].join('\r\n'),
  )
  socket.resume()
}

/** Answers what is no HTTP, or more of it than is read. */
export function refuseMalformed(server: Server): void {
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    // After an answer has begun, another one would be taken for its rest.
    const hasSaid = 'bytesWritten' in socket && socket.bytesWritten !== 0
    if (!socket.writable || hasSaid || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    // The parser has let go of the socket: nobody else listens any more.
    socket.on('error', () => socket.destroy())
    switch (error.code) {
      case 'HPE_HEADER_OVERFLOW':
        return refuse(socket, 431, 'The header of the request is too large')
      case 'ERR_HTTP_REQUEST_TIMEOUT':
        return refuse(socket, 408, 'The request did not arrive in time')
      default:
        return refuse(socket, 400, 'This is not a request of HTTP/1.1')
    }
  })
}
