// SPDX-License-Identifier: Apache-2.0

/**
 * The embedded relay on sockets: `GET /derp` with `Upgrade: DERP`, on the port of everything else. Only nodes
 * of this server's tailnets are admitted, and only as long as they are.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { createRelay, DERP_VERSION, DerpError } from '@signet/derp'
import type { Relay, RelayConnection } from '@signet/derp'
import { nodePublicBytes } from '@signet/keys'
import type { NodePrivate, NodePublic } from '@signet/keys'
import { toHex } from '@signet/codec'
import type { Clock } from '../clock.ts'
import { isExpired } from '../tailnet/node.ts'
import type { Tailnets } from '../tailnet/tailnets.ts'
import {
  ADMISSION_DEADLINE_MS,
  MAX_STRANGERS,
  RECHECK_MS,
  RELAY_KEEP_ALIVE_JITTER_MS,
  RELAY_KEEP_ALIVE_MS,
} from './limits.ts'
import { socketTransport } from './socket-transport.ts'

/** The relay, taking sockets. */
export interface RelayServer extends Disposable {
  readonly relay: Relay
  /** Takes an upgrade of `/derp`. False if it is not one for a relay: then nothing was done. */
  accept(
    request: Pick<IncomingMessage, 'headers' | 'method'>,
    socket: Duplex,
    head: Uint8Array,
  ): boolean
}

/** What the relay works with. */
export interface RelayServerOptions {
  readonly serverKey: NodePrivate
  readonly tailnets: Tailnets
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Told to other relays of a region only, and there are none.
 */
const ORIGIN = { address: new Uint8Array(16), port: 0 }

/** Starts the relay. */
export function startRelay({
  serverKey,
  tailnets,
  clock,
  logger,
}: RelayServerOptions): RelayServer {
  const strangers = new Set<Duplex>()
  const relay = createRelay({
    serverKey,
    admit(key: NodePublic) {
      const found = tailnets.findNode(key)
      return found !== undefined && !isExpired(found.node.row, clock.now())
    },
    now: clock.now,
    nonce: () => randomBytes(24),
  })
  const hello =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n' +
    `Derp-Version: ${DERP_VERSION}\r\n` +
    `Derp-Public-Key: ${toHex(nodePublicBytes(relay.publicKey))}\r\n\r\n`

  const listeners = tailnets.all().map((tailnet) =>
    tailnet.listen({
      peersChanged() {},
      selfChanged() {},
      removed: () => relay.recheck(),
    }),
  )
  let cancelRecheck = clock.schedule(RECHECK_MS, recheck)
  function recheck(): void {
    relay.recheck()
    cancelRecheck = clock.schedule(RECHECK_MS, recheck)
  }

  function serve(socket: Duplex, head: Uint8Array): void {
    strangers.add(socket)
    if (socket instanceof Socket) {
      socket.setTimeout(0)
      socket.setNoDelay(true)
    }
    const connection = relay.accept(socketTransport(socket, clock), ORIGIN)
    let cancel = clock.schedule(ADMISSION_DEADLINE_MS, () => socket.destroy())
    const keepAlive = (): void => {
      connection.keepAlive()
      const delay = RELAY_KEEP_ALIVE_MS + Math.random() * RELAY_KEEP_ALIVE_JITTER_MS
      cancel = clock.schedule(delay, keepAlive)
    }
    const take = (chunk: Uint8Array): void => {
      if (!receive(connection, socket, chunk)) return
      if (connection.key === undefined || !strangers.delete(socket)) return
      cancel()
      keepAliveLater()
    }
    const keepAliveLater = (): void => {
      cancel = clock.schedule(RELAY_KEEP_ALIVE_MS, keepAlive)
    }
    socket.on('data', take)
    socket.on('drain', () => connection.drain())
    // A client that says no more does not listen either.
    socket.on('end', () => socket.destroy())
    socket.once('close', () => {
      cancel()
      strangers.delete(socket)
      connection.closed()
    })
    if (head.length > 0) take(head)
  }

  function receive(connection: RelayConnection, socket: Duplex, chunk: Uint8Array): boolean {
    if (socket.destroyed) return false
    try {
      connection.receive(chunk)
      return true
    } catch (error) {
      socket.destroy()
      if (error instanceof DerpError) logger.debug({ err: error }, 'relay client refused')
      else logger.error({ err: error }, 'relay connection failed')
      return false
    }
  }

  return {
    relay,
    accept(request, socket, head) {
      if (request.headers.upgrade?.toLowerCase() !== 'derp' || request.method !== 'GET')
        return false
      if (strangers.size >= MAX_STRANGERS) {
        socket.destroy()
        return true
      }
      // Who asks for a fast start sends right behind the request, and expects frames at once.
      if (request.headers['derp-fast-start'] !== '1') socket.write(hello)
      serve(socket, head)
      return true
    },
    [Symbol.dispose]() {
      cancelRecheck()
      for (const listener of listeners) listener[Symbol.dispose]()
    },
  }
}
