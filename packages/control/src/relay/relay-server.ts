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
import type { Relay, RelayConnection, RelayRate } from '@signet/derp'
import { nodePublicBytes } from '@signet/keys'
import type { DerpMeshKey, NodePrivate } from '@signet/keys'
import { toHex } from '@signet/codec'
import type { Clock } from '../clock.ts'
import type { Tailnets } from '../tailnet/tailnets.ts'
import { createAdmission } from './admission.ts'
import type { Admission, ExpectsKey } from './admission.ts'
import {
  ADMISSION_DEADLINE_MS,
  MESH_WRITE_DEADLINE_MS,
  RECHECK_MS,
  RELAY_KEEP_ALIVE_JITTER_MS,
  RELAY_KEEP_ALIVE_MS,
  RESTART_SPREAD_MS,
  RESTART_TRY_MS,
  WRITE_DEADLINE_MS,
} from './limits.ts'
import { socketTransport } from './socket-transport.ts'
import { addressBytes, createStrangers } from './strangers.ts'

/** Where a client really connects from, as far as is known. */
export interface RelayClientSource {
  readonly address: string
  readonly port?: number | undefined
}

/** The relay, taking sockets. */
export interface RelayServer extends Disposable {
  readonly relay: Relay
  readonly admission: Admission
  /** Clients that were turned away, by reason: a code of `DerpError`, or `too-many`. */
  readonly refused: ReadonlyMap<string, number>
  /** Clients that have not proved their key yet. */
  readonly strangers: number
  /** Takes an upgrade of `/derp`. False if it is not one for a relay: then nothing was done. */
  accept(
    request: Pick<IncomingMessage, 'headers' | 'method'>,
    socket: Duplex,
    head: Uint8Array,
    source?: RelayClientSource,
  ): boolean
  /**
   * Takes a stream of frames, whatever carries it; `head` was read from it already. The request that it came by
   * is looked at for what it says about the client.
   */
  serve(
    stream: Duplex,
    head: Uint8Array,
    source: RelayClientSource,
    request?: Pick<IncomingMessage, 'headers'>,
  ): void
  /** Tells clients that the relay is about to stop, and when to come back. */
  announceRestart(): void
}

/** What the relay works with. */
export interface RelayServerOptions {
  readonly serverKey: NodePrivate
  readonly tailnets: Tailnets
  readonly clock: Clock
  readonly logger: Logger
  readonly meshKey?: DerpMeshKey | undefined
  readonly rate?: RelayRate | undefined
  /** Lets in a key that its node does not have yet. */
  readonly expectsKey?: ExpectsKey | undefined
}

/** Starts the relay. */
export function startRelay(options: RelayServerOptions): RelayServer {
  const { serverKey, tailnets, clock, logger, meshKey, rate, expectsKey } = options
  const strangers = createStrangers()
  const refused = new Map<string, number>()
  const refuse = (reason: string): void => {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
  }
  const admission = createAdmission({ tailnets, clock, expectsKey })
  const relay = createRelay({
    serverKey,
    meshKey,
    rate,
    refusal: (key) => admission.refusal(key),
    now: clock.now,
    nonce: () => randomBytes(24),
  })
  const hello =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n' +
    `Derp-Version: ${DERP_VERSION}\r\n` +
    `Derp-Public-Key: ${toHex(nodePublicBytes(relay.publicKey))}\r\n\r\n`

  const recheck = (): void => admission.recheck((mayStay) => relay.recheck(mayStay))
  const listeners = tailnets
    .all()
    .map((tailnet) => tailnet.listen({ peersChanged() {}, selfChanged() {}, removed: recheck }))
  let cancelRecheck = clock.schedule(RECHECK_MS, recheckOften)
  function recheckOften(): void {
    recheck()
    cancelRecheck = clock.schedule(RECHECK_MS, recheckOften)
  }

  const serve: RelayServer['serve'] = (stream, head, source, request) => {
    const address = addressBytes(source.address)
    const leave = strangers.admit(address, () => {
      refuse('too-many')
      stream.destroy()
    })
    if (leave === undefined) {
      refuse('too-many')
      stream.destroy()
      return
    }
    if (stream instanceof Socket) {
      stream.setTimeout(0)
      stream.setNoDelay(true)
    }
    let writeMs = WRITE_DEADLINE_MS
    const connection: RelayConnection = relay.accept(
      socketTransport(stream, clock, () => writeMs),
      {
        address,
        port: source.port ?? 0,
        isNotIdeal: request?.headers['ideal-node'] !== undefined,
      },
    )
    let cancel = clock.schedule(ADMISSION_DEADLINE_MS, () => {
      refuse('timeout')
      stream.destroy()
    })
    let cancelPause: (() => void) | undefined
    const keepAlive = (): void => {
      connection.keepAlive()
      const delay = RELAY_KEEP_ALIVE_MS + Math.random() * RELAY_KEEP_ALIVE_JITTER_MS
      cancel = clock.schedule(delay, keepAlive)
    }
    let isAdmitted = false
    const take = (chunk: Uint8Array): void => {
      const pauseMs = receive(connection, stream, chunk)
      if (pauseMs === undefined) return
      if (!isAdmitted && connection.key !== undefined) {
        isAdmitted = true
        if (connection.isMesh) writeMs = MESH_WRITE_DEADLINE_MS
        leave()
        cancel()
        cancel = clock.schedule(RELAY_KEEP_ALIVE_MS, keepAlive)
      }
      if (pauseMs > 0) {
        // What it goes on to send waits in its own network.
        stream.pause()
        cancelPause = clock.schedule(pauseMs, () => void stream.resume())
      }
    }
    stream.on('data', take)
    stream.on('drain', () => connection.drain())
    // A client that says no more does not listen either.
    stream.on('end', () => stream.destroy())
    stream.once('close', () => {
      cancel()
      cancelPause?.()
      leave()
      connection.closed()
    })
    if (head.length > 0) take(head)
  }

  /** Hands bytes to the relay; returns how long to read no more, or undefined if that was the end. */
  function receive(
    connection: RelayConnection,
    stream: Duplex,
    chunk: Uint8Array,
  ): number | undefined {
    if (stream.destroyed) return undefined
    try {
      return connection.receive(chunk)
    } catch (error) {
      stream.destroy()
      if (error instanceof DerpError) {
        refuse(error.code)
        logger.debug({ err: error }, 'relay client refused')
      } else {
        logger.error({ err: error }, 'relay connection failed')
      }
      return undefined
    }
  }

  return {
    relay,
    admission,
    refused,
    get strangers() {
      return strangers.size
    },
    accept(request, socket, head, source = sourceOfSocket(socket)) {
      // The first clients called it a WebSocket and spoke what all others speak.
      const upgrade = request.headers.upgrade?.toLowerCase()
      if ((upgrade !== 'derp' && upgrade !== 'websocket') || request.method !== 'GET') return false
      // Who asks for a fast start sends right behind the request, and expects frames at once.
      if (request.headers['derp-fast-start'] !== '1') socket.write(hello)
      serve(socket, head, source, request)
      return true
    },
    serve,
    announceRestart() {
      relay.announceRestart(() => Math.floor(Math.random() * RESTART_SPREAD_MS), RESTART_TRY_MS)
    },
    [Symbol.dispose]() {
      cancelRecheck()
      for (const listener of listeners) listener[Symbol.dispose]()
    },
  }
}

function sourceOfSocket(socket: Duplex): RelayClientSource {
  if (!(socket instanceof Socket)) return { address: '' }
  return { address: socket.remoteAddress ?? '', port: socket.remotePort }
}
