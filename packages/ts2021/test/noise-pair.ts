// SPDX-License-Identifier: Apache-2.0

/** Two noise streams that talk to each other without sockets. */

import { type Duplex, duplexPair } from 'node:stream'
import { generateMachineKey, machinePublicOf } from '@signet/keys'
import { createInitiator, type NoiseSession, respond } from '@signet/noise'
import { NoiseLink, noiseStream, type NoiseStreamOptions } from '../src/index.ts'

export interface NoisePair {
  readonly client: Duplex
  readonly server: Duplex
  /** The raw side under the client: what is written here, the server gets as records. */
  readonly clientSocket: Duplex
  readonly serverSocket: Duplex
  readonly clientSession: NoiseSession
  readonly serverSession: NoiseSession
}

export function handshake(): { client: NoiseSession; server: NoiseSession } {
  const serverKey = generateMachineKey()
  const initiator = createInitiator({
    version: 145,
    machineKey: generateMachineKey(),
    serverKey: machinePublicOf(serverKey),
  })
  const { session, response } = respond({ serverKey, initiation: initiator.initiation })
  const result = initiator.readResponse(response)
  if (result === undefined) throw new Error('response is whole')
  return { client: result.session, server: session }
}

export function noisePair(
  options: { client?: Partial<NoiseStreamOptions>; server?: Partial<NoiseStreamOptions> } = {},
): NoisePair {
  const [clientSocket, serverSocket] = duplexPair()
  const sessions = handshake()
  return {
    client: noiseStream({ socket: clientSocket, session: sessions.client, ...options.client }),
    server: noiseStream({ socket: serverSocket, session: sessions.server, ...options.server }),
    clientSocket,
    serverSocket,
    clientSession: sessions.client,
    serverSession: sessions.server,
  }
}

/** A client's stream and a server's link that talk to each other without sockets. */
export function linkPair(): {
  readonly client: Duplex
  readonly link: NoiseLink
  readonly clientSocket: Duplex
} {
  const [clientSocket, socket] = duplexPair()
  const sessions = handshake()
  return {
    client: noiseStream({ socket: clientSocket, session: sessions.client }),
    link: new NoiseLink({ socket, session: sessions.server }),
    clientSocket,
  }
}
