// SPDX-License-Identifier: Apache-2.0

/**
 * Answers that more than one port gives.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'

/** Clients detect captive portals by a challenge that only a server of ours answers. */
export function challengeHeaders(
  request: Pick<IncomingMessage, 'headers'>,
): Record<string, string> {
  const noStore = {
    'cache-control': 'no-cache, no-store, must-revalidate, no-transform, max-age=0',
  }
  const challenge = request.headers['x-tailscale-challenge']
  if (typeof challenge !== 'string' || !/^[A-Za-z0-9._:-]{1,64}$/.test(challenge)) return noStore
  return { ...noStore, 'x-tailscale-response': `response ${challenge}` }
}

/** Answers as a whole. */
export function send(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = { 'content-type': 'text/plain; charset=utf-8' },
): void {
  response.writeHead(status, headers)
  response.end(body)
}
