// SPDX-License-Identifier: Apache-2.0

/**
 * Hosts that are this machine.
 *
 * @module
 */

import { isIPv4 } from 'node:net'

/** Whether a host, as it stands in URLs or on its own, is this machine. */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host === '::1' ||
    host === '[::1]' ||
    (isIPv4(host) && host.startsWith('127.'))
  )
}
