// SPDX-License-Identifier: Apache-2.0

/**
 * A transport of the local API over a real unix socket.
 *
 * @module
 */

import { request } from 'node:http'
import { createLocalClient, type ApiTransport, type LocalClient } from '@signet/protocol/local-api'

/** Returns the typed client of the node on a socket. */
export function localClient(socketPath: string): LocalClient {
  return createLocalClient(transportOf(socketPath))
}

/** Asks for a path and reads JSON, for what the typed client does not know. */
export async function getJson(socketPath: string, path: string): Promise<unknown> {
  const reply = await transportOf(socketPath).request({
    method: 'GET',
    path: `/localapi/v0/${path}`,
  })
  const text = Buffer.from(reply.body).toString()
  if (reply.status !== 200) throw new Error(`${reply.status} ${text}`)
  return JSON.parse(text)
}

function transportOf(socketPath: string): ApiTransport {
  return {
    request: ({ method, path, body }) =>
      new Promise((resolve, reject) => {
        const sent = request(
          { socketPath, method, path, headers: { Host: 'local-tailscaled.sock' }, agent: false },
          (response) => {
            const parts: Uint8Array[] = []
            response.on('data', (part: Uint8Array) => parts.push(part))
            response.on('end', () => {
              resolve({
                status: response.statusCode ?? 0,
                statusText: response.statusMessage ?? '',
                body: new Uint8Array(Buffer.concat(parts)),
              })
            })
          },
        )
        sent.on('error', reject)
        sent.end(body)
      }),
    async *lines({ method, path }) {
      const response = await new Promise<AsyncIterable<Uint8Array>>((resolve, reject) => {
        const sent = request(
          { socketPath, method, path, headers: { Host: 'local-tailscaled.sock' }, agent: false },
          resolve,
        )
        sent.on('error', reject)
        sent.end()
      })
      let rest = ''
      for await (const part of response) {
        const pieces = (rest + Buffer.from(part).toString()).split('\n')
        rest = pieces.pop() ?? ''
        yield* pieces
      }
    },
  }
}
