// SPDX-License-Identifier: Apache-2.0

/**
 * The front door: HTTP/1.1, with TLS, or in plain on loopback or behind a proxy that adds it. It answers what
 * needs no identity, and turns `/ts2021` into a control connection. Until the machine key is known,
 * everything is cheap and bounded.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { machinePublicOf, zeroMachinePublic } from '@signet/keys'
import type { MachinePrivate } from '@signet/keys'
import { encodeJson, overTlsPublicKeyResponse } from '@signet/protocol'
import type { MachineServices } from '../machine/services.ts'
import type { RelayServer } from '../relay/relay-server.ts'
import type { Verifier } from '../relay/verify.ts'
import type { BootstrapDns } from './bootstrap-dns.ts'
import type { CertificateSource } from './certificate.ts'
import { createHttpServer, listenOn } from './http-server.ts'
import type { Address, Listener } from './http-server.ts'
import type { SourceOf } from './source.ts'
import { challengeHeaders, send } from './answers.ts'
import { loginPage } from './login-page.ts'
import { pathOf } from './path.ts'
import { acceptConnections } from './upgrade.ts'

/** What is behind the door. */
export interface FrontDoor {
  readonly serverKey: MachinePrivate
  readonly services: MachineServices
  /** Not answered without. */
  readonly relay: RelayServer | undefined
  readonly verifier: Verifier | undefined
  readonly sourceOf: SourceOf
  /** Plain HTTP without. */
  readonly certificate: CertificateSource | undefined
  /** Not answered without. */
  readonly bootstrapDns: BootstrapDns | undefined
}

/** Listens. @throws ControlError 'bad-config' when the address cannot be listened on */
export async function listen(address: Address, door: FrontDoor): Promise<Listener> {
  const keyJson = encodeJson(overTlsPublicKeyResponse, {
    // Only a long gone protocol used it.
    legacyPublicKey: zeroMachinePublic,
    publicKey: machinePublicOf(door.serverKey),
  })
  const server = createHttpServer(
    (request, response) => answerPlain(request, response, keyJson, door),
    door.certificate,
  )
  await using stack = new AsyncDisposableStack()
  stack.use(acceptConnections(server, door))
  const { port } = stack.use(await listenOn(server, address))
  const parts = stack.move()
  return { port, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

function answerPlain(
  request: IncomingMessage,
  response: ServerResponse,
  keyJson: string,
  door: FrontDoor,
): void {
  const path = pathOf(request)
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
    case '/verify':
      if (door.verifier !== undefined) return door.verifier(request, response)
      return send(response, 404, 'Not found')
    case '/derp/probe':
    case '/derp/latency-check':
      if (door.relay === undefined) return send(response, 404, 'Not found')
      if (isRead) return send(response, 200, '', { 'access-control-allow-origin': '*' })
      break
    case '/bootstrap-dns':
      if (door.bootstrapDns === undefined) return send(response, 404, 'Not found')
      if (isRead) return void sendLater(response, door.bootstrapDns())
      break
    case '/derp':
      return send(response, 426, 'This path takes an upgrade to DERP')
    case '/ts2021':
      return send(response, 400, 'This path takes an upgrade to tailscale-control-protocol')
    default:
      if (!path.startsWith('/login/')) return send(response, 404, 'Not found')
      if (isRead) {
        const { status, html, headers } = loginPage(door.services.logins, path)
        return send(response, status, html, headers)
      }
  }
  send(response, 405, 'Method not allowed')
}

async function sendLater(response: ServerResponse, json: Promise<string>): Promise<void> {
  send(response, 200, await json, {
    'content-type': 'application/json',
    'access-control-allow-origin': '*',
  })
}
