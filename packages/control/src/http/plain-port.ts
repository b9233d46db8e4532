// SPDX-License-Identifier: Apache-2.0

/**
 * The plain port beside TLS. Official clients try `http://HOST:80/ts2021` before TLS, whatever port the URL
 * names, and lose half a second where nobody answers; certificate authorities ask here for their proof;
 * browsers are sent on.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { challengeHeaders, send } from './answers.ts'
import type { FrontDoor } from './listener.ts'
import { createHttpServer, listenOn } from './http-server.ts'
import type { Address, Listener } from './http-server.ts'
import { pathOf } from './path.ts'
import { acceptConnections } from './upgrade.ts'

/** What the plain port knows. */
export interface PlainPort {
  readonly door: FrontDoor
  /** Where browsers are sent: the URL of the server, without a slash at the end. */
  readonly url: () => string
  /** The proof that a certificate authority asks for by its token. */
  readonly challenge: (token: string) => string | undefined
}

const CHALLENGES = '/.well-known/acme-challenge/'

/** Listens. @throws ControlError 'bad-config' when the address cannot be listened on */
export async function listenPlain(address: Address, port: PlainPort): Promise<Listener> {
  const server = createHttpServer((request, response) => answer(request, response, port))
  await using stack = new AsyncDisposableStack()
  // Relays are for TLS: what they carry is encrypted, who talks to whom is not.
  stack.use(acceptConnections(server, { ...port.door, relay: undefined }))
  const listener = stack.use(await listenOn(server, address))
  const parts = stack.move()
  return { port: listener.port, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

function answer(request: IncomingMessage, response: ServerResponse, port: PlainPort): void {
  const path = pathOf(request)
  request.resume()
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return send(response, 405, 'Method not allowed')
  }
  if (path === '/generate_204') return send(response, 204, '', challengeHeaders(request))
  if (path === '/health') return send(response, 200, 'ok')
  if (path.startsWith(CHALLENGES)) {
    const proof = port.challenge(path.slice(CHALLENGES.length))
    if (proof === undefined) return send(response, 404, 'Not found')
    return send(response, 200, proof, { 'content-type': 'application/octet-stream' })
  }
  // To the address in the settings, not to what the request calls the host.
  const target = request.url ?? '/'
  if (!/^\/[\x21-\x7e]*$/.test(target)) return send(response, 400, 'Bad request')
  send(response, 308, '', { location: `${port.url()}${target}` })
}
