// SPDX-License-Identifier: Apache-2.0

/**
 * The key that the nodes of a measurement join with.
 *
 * @module
 */

import { once } from 'node:events'
import { request } from 'node:http'

/** Asks a server, over its admin socket, for a key that any number of nodes may use. */
export async function reusableKey(socketPath: string): Promise<string> {
  const sent = request({
    socketPath,
    method: 'POST',
    path: '/api/v1/keys',
    headers: { 'content-type': 'application/json' },
  })
  sent.end(JSON.stringify({ reusable: true }))
  const [reply] = (await once(sent, 'response')) as [NodeJS.ReadableStream]
  let text = ''
  for await (const chunk of reply) text += String(chunk)
  return (JSON.parse(text) as { key: string }).key
}
