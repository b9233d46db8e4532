// SPDX-License-Identifier: Apache-2.0

/**
 * A socket as the transport of a relay connection, with a deadline for what was written.
 *
 * @module
 */

import type { Duplex } from 'node:stream'
import type { RelayTransport } from '@signet/derp'
import type { Clock } from '../clock.ts'
import { WRITE_DEADLINE_MS } from './limits.ts'

/** Returns the transport; the socket is destroyed when it takes nothing for too long. */
export function socketTransport(
  socket: Duplex,
  clock: Clock,
  deadlineMs: () => number = () => WRITE_DEADLINE_MS,
): RelayTransport {
  let cancel: (() => void) | undefined
  const disarm = (): void => {
    cancel?.()
    cancel = undefined
  }
  const written = (): void => {
    disarm()
    if (socket.writableLength > 0) arm()
  }
  const arm = (): void => {
    cancel ??= clock.schedule(deadlineMs(), () => socket.destroy())
  }
  socket.once('close', disarm)
  return {
    get backlog() {
      return socket.writableLength
    },
    write(parts) {
      if (socket.destroyed || socket.writableEnded) return
      const last = parts.length - 1
      if (last > 0) socket.cork()
      for (const [index, part] of parts.entries()) {
        if (index === last) socket.write(part, written)
        else socket.write(part)
      }
      if (last > 0) socket.uncork()
      if (socket.writableLength > 0) arm()
    },
    close: () => void socket.destroy(),
  }
}
