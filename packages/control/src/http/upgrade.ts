// SPDX-License-Identifier: Apache-2.0

/**
 * From an HTTP upgrade to a control connection: Noise handshake, then HTTP/2 inside.
 *
 * @module
 */

import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { MachinePublic } from '@signet/keys'
import {
  acceptStream,
  acceptUpgrade,
  HANDSHAKE_HEADER,
  serveHttp2,
  UPGRADE_PROTOCOL,
} from '@signet/ts2021'
import type { AcceptedClient, NoiseLink } from '@signet/ts2021'
import {
  HANDSHAKE_DEADLINE_MS,
  MAX_CONNECTIONS_PER_MACHINE,
  MAX_CONTROL_MESSAGE,
  STRANGER_CONNECTION_MS,
} from '../limits.ts'
import { createBodyBudget } from '../machine/body-budget.ts'
import { serveStream } from '../machine/routes.ts'
import { MAX_RELAY_MESSAGE } from '../relay/limits.ts'
import type { MachineServices } from '../machine/services.ts'
import type { FrontDoor } from './listener.ts'
import { pathOf } from './path.ts'
import { refuse } from './refuse.ts'
import { asksForWebSocket, createWebSocketDoor } from './web-socket.ts'

/** What connections are handed to. Without a relay there is none. */
export type ConnectionServices = Pick<FrontDoor, 'serverKey' | 'services' | 'sourceOf'> & {
  readonly relay: FrontDoor['relay'] | undefined
}

/** Accepts control and relay connections on a server; disposing ends those that are open. */
export function acceptConnections(
  server: Server,
  { serverKey, services, relay, sourceOf }: ConnectionServices,
): Disposable {
  const open = new Set<Duplex>()
  const bodies = createBodyBudget()
  const links = new Map<MachinePublic, Set<NoiseLink>>()
  const webSockets = createWebSocketDoor(UPGRADE_PROTOCOL, MAX_CONTROL_MESSAGE)
  const relaySockets = createWebSocketDoor('derp', MAX_RELAY_MESSAGE)

  const serve = (request: IncomingMessage, client: () => AcceptedClient): void => {
    const { address: source } = sourceOf(request)
    try {
      const { link, machineKey, version } = client()
      const caller = { machineKey, version, source }
      const leave = keepFew(links, machineKey, link)
      const callOff = endStranger(link, machineKey, services)
      serveHttp2(link, (stream) => void serveStream(services, caller, stream, bodies), {
        prefaceTimeout: HANDSHAKE_DEADLINE_MS,
        onError: (error) => services.logger.debug({ err: error, source }, 'connection failed'),
        onClose() {
          leave()
          callOff()
        },
      })
    } catch (error) {
      // Anybody can send nonsense here; it is not worth more than a line for whoever looks for it.
      services.logger.debug({ err: error, source }, 'handshake failed')
    }
  }

  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = pathOf(request)
    if (path === '/derp' && relay !== undefined) {
      const source = sourceOf(request)
      if (asksForWebSocket(request, 'derp')) {
        relaySockets.accept(request, socket, head, (stream) =>
          relay.serve(stream, new Uint8Array(), source, request),
        )
        return
      }
      if (!relay.accept(request, socket, head, source))
        refuse(socket, 426, 'This path takes an upgrade to DERP')
      return
    }
    if (path !== '/ts2021') return refuse(socket, 404, 'Not found')
    if (!asksForWebSocket(request, UPGRADE_PROTOCOL)) {
      return serve(request, () => acceptUpgrade({ request, socket, head, serverKey }))
    }
    // A browser cannot set headers on a WebSocket.
    const query = new URLSearchParams(request.url?.split('?')[1])
    const handshake = query.get(HANDSHAKE_HEADER)
    if (handshake === null)
      return refuse(socket, 400, 'The first message of the handshake is missing')
    webSockets.accept(request, socket, head, (stream) =>
      serve(request, () => acceptStream({ stream, handshake, serverKey })),
    )
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

/** Counts a connection of a machine, and ends its oldest when there are too many. Returns how to take it off the count. */
function keepFew(
  all: Map<MachinePublic, Set<NoiseLink>>,
  machineKey: MachinePublic,
  link: NoiseLink,
): () => void {
  const links = all.get(machineKey) ?? new Set()
  all.set(machineKey, links.add(link))
  const [oldest] = links
  if (links.size > MAX_CONNECTIONS_PER_MACHINE && oldest !== undefined) {
    links.delete(oldest)
    oldest.destroy()
  }
  return () => {
    links.delete(link)
    if (links.size === 0 && all.get(machineKey) === links) all.delete(machineKey)
  }
}

/**
 * Whoever made a machine key a moment ago may register, not stay: sockets are what a server runs out of.
 * Returns how to call it off.
 */
function endStranger(
  link: NoiseLink,
  machineKey: MachinePublic,
  { tailnets, logins, clock, logger }: MachineServices,
): () => void {
  const look = (): void => {
    if (tailnets.knowsMachine(machineKey)) return
    // It waits for a person to let it in; there is a bound on how many do.
    if (logins.isHeld(machineKey)) {
      cancel = clock.schedule(STRANGER_CONNECTION_MS, look)
      return
    }
    logger.debug({ machine: machineKey }, 'closed the connection of a machine without a node')
    link.destroy()
  }
  let cancel = clock.schedule(STRANGER_CONNECTION_MS, look)
  return () => cancel()
}
