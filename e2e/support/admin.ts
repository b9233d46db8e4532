// SPDX-License-Identifier: Apache-2.0

/**
 * The owner of a server: its admin API over its socket.
 *
 * @module
 */

import { request } from 'node:http'
import { createAdminClient, type AdminClient } from '@signet/protocol/admin-api'

/** Returns a client of the server whose admin socket this is. */
export function adminOf(socketPath: string): AdminClient {
  return createAdminClient({
    request: ({ method, path, body }) =>
      new Promise((resolve, reject) => {
        const headers = { host: 'local-signet.sock', 'content-type': 'application/json' }
        const sent = request({ socketPath, method, path, headers }, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            resolve({
              status: response.statusCode ?? 0,
              statusText: response.statusMessage ?? '',
              body: new Uint8Array(Buffer.concat(chunks)),
            })
          })
        })
        sent.on('error', reject)
        sent.end(body)
      }),
    lines() {
      throw new Error('The admin API has no streams')
    },
  })
}
