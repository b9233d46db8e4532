// SPDX-License-Identifier: Apache-2.0

/**
 * An HTTP/1.1 server with the limits that hold for strangers, with TLS or without. Nothing else of this
 * program listens for TCP on a network.
 *
 * @module
 */

import { constants } from 'node:crypto'
import { createServer as createPlainServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { ControlError } from '../errors.ts'
import {
  EXPIRY_CHECK_MS,
  HEADERS_DEADLINE_MS,
  MAX_CONNECTIONS,
  MAX_TLS_HANDSHAKES,
  TLS_HANDSHAKE_DEADLINE_MS,
} from '../limits.ts'
import type { CertificatePair, CertificateSource } from './certificate.ts'
import { refuseMalformed } from './refuse.ts'

/** Where to listen. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** With forward secrecy and authenticated encryption only; TLS 1.3 has no others. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

function requestOptions({ headersMs, checkMs }: StrangerLimits) {
  return {
    headersTimeout: headersMs,
    requestTimeout: headersMs,
    connectionsCheckingInterval: checkMs,
  }
}

/** What a stranger may hold on to. Tests take less. */
export interface StrangerLimits {
  readonly connections: number
  /** TLS handshakes under way at once, and how long one may take. */
  readonly handshakes: number
  readonly handshakeMs: number
  /** How long the head of a request may take, and how often that is looked at. */
  readonly headersMs: number
  readonly checkMs: number
}

/** The limits of the server. */
export const STRANGER_LIMITS: StrangerLimits = {
  connections: MAX_CONNECTIONS,
  handshakes: MAX_TLS_HANDSHAKES,
  handshakeMs: TLS_HANDSHAKE_DEADLINE_MS,
  headersMs: HEADERS_DEADLINE_MS,
  checkMs: EXPIRY_CHECK_MS,
}

/** Makes a server that does not listen yet. With a source of certificates it speaks TLS, and follows the source. */
export function createHttpServer(
  listener: RequestListener,
  certificate?: CertificateSource,
  limits: StrangerLimits = STRANGER_LIMITS,
): Server {
  const server =
    certificate === undefined
      ? createPlainServer(requestOptions(limits), listener)
      : createSecureServer(listener, certificate, limits)
  server.maxConnections = limits.connections
  refuseMalformed(server)
  // A connection that cannot be taken, as when there are no descriptors left, must not end the process.
  server.on('error', () => {})
  return server
}

function createSecureServer(
  listener: RequestListener,
  certificate: CertificateSource,
  limits: StrangerLimits,
): Server {
  const server = createTlsServer(
    {
      ...requestOptions(limits),
      ...secureContext(certificate.current),
      // HTTP/2 has no upgrade to what runs here.
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: limits.handshakeMs,
    },
    listener,
  )
  certificate.onChange((pair) => server.setSecureContext(secureContext(pair)))
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  limitHandshakes(server, limits.handshakes)
  return server
}

function secureContext(pair: CertificatePair | undefined) {
  return {
    ...(pair !== undefined && { cert: pair.cert, key: pair.key }),
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // A handshake on a connection that has had one costs the server more than the client.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  } as const
}

/** A handshake under way holds far more memory than the few bytes that it takes to begin one. */
function limitHandshakes(server: Server, most: number): void {
  const underWay = new Set<string>()
  const nameOf = ({ remoteAddress, remotePort }: Socket): string =>
    `${remoteAddress} ${String(remotePort)}`
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket)
    if (underWay.size >= most || socket.remoteAddress === undefined) {
      socket.destroy()
      return
    }
    underWay.add(name)
    socket.once('close', () => underWay.delete(name))
  })
  server.on('secureConnection', (socket: Socket) => underWay.delete(nameOf(socket)))
}

/** A port that is being listened on. */
export interface Listener extends AsyncDisposable {
  readonly port: number
}

/** Listens. Disposing ends what is open. @throws ControlError 'bad-config' when the address cannot be listened on */
export async function listenOn(server: Server, { host, port }: Address): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new ControlError('bad-config', `Cannot listen on ${host}:${port}: ${cause.message}`, {
          cause,
        }),
      ),
    )
    server.listen(port, host, resolve)
  })
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  // A TCP server has an address object.
  const address = server.address() as AddressInfo
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        // Also those that have not got as far as HTTP.
        for (const socket of open) socket.destroy()
      })
    },
  }
}
