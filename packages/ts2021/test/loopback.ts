// SPDX-License-Identifier: Apache-2.0

/** A control server on loopback that does nothing but the transport. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  generateMachineKey,
  type MachinePrivate,
  machinePublicOf,
  zeroMachinePublic,
} from '@signet/keys'
import { type AcceptedClient, acceptUpgrade, serveHttp2, type ServerStream } from '../src/index.ts'

export interface Loopback extends AsyncDisposable {
  readonly url: string
  readonly serverKey: MachinePrivate
  readonly server: Server
  readonly accepted: AcceptedClient[]
  readonly errors: unknown[]
}

export type Handler = (stream: ServerStream) => void

export async function startLoopback(
  handler: Handler,
  options: { initial?: Uint8Array; prefaceTimeout?: number; keyBody?: string } = {},
): Promise<Loopback> {
  const serverKey = generateMachineKey()
  const accepted: AcceptedClient[] = []
  const errors: unknown[] = []
  const sockets = new Set<Duplex>()
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/key') !== true) {
      response.writeHead(404).end('not found')
      return
    }
    response.end(
      options.keyBody ??
        JSON.stringify({
          legacyPublicKey: zeroMachinePublic,
          publicKey: machinePublicOf(serverKey),
        }),
    )
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (request, socket, head) => {
    try {
      const { initial, prefaceTimeout } = options
      const client = acceptUpgrade({ request, socket, head, serverKey, initial, linger: 20 })
      accepted.push(client)
      serveHttp2(client.link, handler, {
        prefaceTimeout,
        onError: (error) => errors.push(error),
      })
    } catch (error) {
      errors.push(error)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    serverKey,
    server,
    accepted,
    errors,
    async [Symbol.asyncDispose]() {
      for (const { link } of accepted) link.destroy()
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
