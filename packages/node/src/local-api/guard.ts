// SPDX-License-Identifier: Apache-2.0

/**
 * Which calls the local API hears at all. A web page can make a browser connect to odd places (a
 * proxy that forwards to the socket, DNS rebinding), but it cannot hide its Origin or its Host.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http'

/** The host name that local API clients send. */
export const localApiHost = 'local-tailscaled.sock'

/** True when nothing in the headers says that a browser is behind the call. */
export function isLocalCall(headers: IncomingHttpHeaders): boolean {
  if (headers.origin !== undefined || headers.referer !== undefined) return false
  const host = headers.host ?? ''
  return host === '' || host === localApiHost
}
