// SPDX-License-Identifier: Apache-2.0

/**
 * From an HTTP upgrade to a control connection: Noise handshake, then HTTP/2 inside.
 *
 * @module
 */

import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { MachinePrivate, MachinePublic } from '@signet/keys'
import { acceptUpgrade, serveHttp2 } from '@signet/ts2021'
import { HANDSHAKE_DEADLINE_MS, REFUSED_LINGER_MS, STRANGER_CONNECTION_MS } from '../limits.ts'
import { createBodyBudget } from '../machine/body-budget.ts'
import { serveStream } from '../machine/routes.ts'
import type { MachineServices } from '../machine/services.ts'
import type { RelayServer } from '../relay/relay-server.ts'

/** Accepts control and relay connections on a server; disposing ends those that are open. */
export function acceptConnections(
  server: Server,
  serverKey: MachinePrivate,
  services: MachineServices,
  relay: RelayServer,
): Disposable {
  const open = new Set<Duplex>()
  const bodies = createBodyBudget()

  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = request.url?.split('?')[0]
    if (path === '/derp') {
      if (!relay.accept(request, socket, head)) refuse(socket, '426 Upgrade Required')
      return
    }
    if (path !== '/ts2021') return refuse(socket, '404 Not Found')
    try {
      const { duplex, machineKey, version } = acceptUpgrade({ request, socket, head, serverKey })
      const caller = { machineKey, version }
      endStranger(duplex, machineKey, services)
      serveHttp2(
        duplex,
        (stream, headers) => void serveStream(services, caller, stream, headers, bodies),
        {
          prefaceTimeout: HANDSHAKE_DEADLINE_MS,
          onError: (error) => services.logger.debug({ err: error }, 'connection failed'),
        },
      )
    } catch (error) {
      // Anybody can send nonsense here; it is not worth more than a line for whoever looks for it.
      services.logger.debug({ err: error }, 'handshake failed')
    }
  }

  server.on('upgrade', (request, socket, head) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    accept(request, socket, head)
  })
  return {
    [Symbol.dispose]() {
      for (const socket of open) socket.destroy()
    },
  }
}

/** Whoever made a machine key a moment ago may register, not stay: sockets are what a server runs out of. */
function endStranger(
  duplex: Duplex,
  machineKey: MachinePublic,
  { tailnets, clock, logger }: MachineServices,
): void {
  const look = (): void => {
    if (tailnets.knowsMachine(machineKey)) return
    logger.debug({ machine: machineKey }, 'closed the connection of a machine without a node')
    duplex.destroy()
  }
  const cancel = clock.schedule(STRANGER_CONNECTION_MS, look)
  duplex.once('close', cancel)
}

function refuse(socket: Duplex, status: string): void {
  // A client that never closes its side must not keep the socket.
  const deadline = setTimeout(() => socket.destroy(), REFUSED_LINGER_MS)
  deadline.unref()
  socket.once('close', () => clearTimeout(deadline))
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  socket.resume()
}
