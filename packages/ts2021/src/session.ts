// SPDX-License-Identifier: Apache-2.0

/**
 * What both sides have to do about Node's HTTP/2 sessions on a duplex that is not a socket.
 *
 * @module
 */

import type { Http2Session } from 'node:http2'
import type { Duplex } from 'node:stream'

/**
 * Binds a session and its duplex together: when one is over, so is the other.
 *
 * A peer that half-closes is treated as gone. Node's adapter would answer the end of the duplex by
 * shutting down its writing side while the session still writes, which fails an assertion inside
 * Node and ends the process: any client could do that to a server. So the adapter never hears of
 * the end, only of the close. Then Node cancels all streams, and does so with a reset code, so that
 * no cut body passes for whole; `session.destroy()` would not.
 */
export function bindSession(session: Http2Session, duplex: Duplex): void {
  duplex.removeAllListeners('end')
  duplex.once('end', () => duplex.destroy())
  session.once('close', () => duplex.destroy())
}
