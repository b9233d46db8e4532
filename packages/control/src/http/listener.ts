// SPDX-License-Identifier: Apache-2.0

/**
 * The front door: plain HTTP/1.1, on loopback or behind a proxy that adds TLS. It answers what needs no
 * identity, and turns `/ts2021` into a control connection. Until the machine key is known, everything is
 * cheap and bounded.
 *
 * @module
 */

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { machinePublicOf, zeroMachinePublic } from '@signet/keys'
import type { MachinePrivate } from '@signet/keys'
import { encodeJson, overTlsPublicKeyResponse } from '@signet/protocol'
import { ControlError } from '../errors.ts'
import { HEADERS_DEADLINE_MS, MAX_CONNECTIONS } from '../limits.ts'
import type { MachineServices } from '../machine/services.ts'
import type { RelayServer } from '../relay/relay-server.ts'
import { acceptConnections } from './upgrade.ts'

/** A port that is being listened on. */
export interface Listener extends AsyncDisposable {
  readonly port: number
}

/** Listens. @throws ControlError 'bad-config' when the address cannot be listened on */
export async function listen(
  address: { readonly host: string; readonly port: number },
  serverKey: MachinePrivate,
  services: MachineServices,
  relay: RelayServer,
): Promise<Listener> {
  const keyJson = encodeJson(overTlsPublicKeyResponse, {
    // Only a long gone protocol used it.
    legacyPublicKey: zeroMachinePublic,
    publicKey: machinePublicOf(serverKey),
  })
  const server = createServer(
    { headersTimeout: HEADERS_DEADLINE_MS, requestTimeout: HEADERS_DEADLINE_MS },
    (request, response) => answerPlain(request, response, keyJson),
  )
  server.maxConnections = MAX_CONNECTIONS
  server.on('clientError', (_error, socket) => socket.destroy())
  const connections = acceptConnections(server, serverKey, services, relay)
  await bind(server, address)
  // A TCP server has an address object.
  const { port } = server.address() as AddressInfo
  return {
    port,
    async [Symbol.asyncDispose]() {
      connections[Symbol.dispose]()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

function answerPlain(request: IncomingMessage, response: ServerResponse, keyJson: string): void {
  // Not by `URL`, which throws at a target like `//`: here that would end the process.
  const path = request.url?.split('?')[0] ?? '/'
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  request.resume()
  switch (path) {
    case '/key':
      if (isRead) return send(response, 200, keyJson, { 'content-type': 'application/json' })
      break
    case '/generate_204':
      if (isRead) return send(response, 204, '', challengeHeaders(request))
      break
    case '/health':
      if (isRead) return send(response, 200, 'ok')
      break
    case '/derp/probe':
    case '/derp/latency-check':
      if (isRead) return send(response, 200, '', { 'access-control-allow-origin': '*' })
      break
    case '/derp':
      return send(response, 426, 'This path takes an upgrade to DERP')
    case '/ts2021':
      return send(response, 400, 'This path takes an upgrade to tailscale-control-protocol')
    default:
      return send(response, 404, 'Not found')
  }
  send(response, 405, 'Method not allowed')
}

/** Clients detect captive portals by a challenge that only a server of ours answers. */
function challengeHeaders(request: IncomingMessage): Record<string, string> {
  const noStore = {
    'cache-control': 'no-cache, no-store, must-revalidate, no-transform, max-age=0',
  }
  const challenge = request.headers['x-tailscale-challenge']
  if (typeof challenge !== 'string' || !/^[A-Za-z0-9._:-]{1,64}$/.test(challenge)) return noStore
  return { ...noStore, 'x-tailscale-response': `response ${challenge}` }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = { 'content-type': 'text/plain; charset=utf-8' },
): void {
  response.writeHead(status, headers)
  response.end(body)
}

function bind(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new ControlError('bad-config', `Cannot listen on ${host}:${port}: ${cause.message}`, {
          cause,
        }),
      ),
    )
    server.listen(port, host, resolve)
  })
}
