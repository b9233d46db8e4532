// SPDX-License-Identifier: Apache-2.0

/**
 * The header of a request out of its fields (RFC 9113, section 8).
 *
 * @module
 */

import type { HeaderField } from './hpack.ts'

/** Fields by name, in lower case; repeated ones joined by commas. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>

const PSEUDO = new Set([':method', ':scheme', ':authority', ':path'])
/** What belongs to a connection of HTTP/1, and must not come here. */
const FORBIDDEN = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const VALUE = /^[^\0\r\n]*$/

/** Returns the header of a request; null if it is malformed. */
export function requestHeaders(fields: readonly HeaderField[]): RequestHeaders | null {
  // No prototype: a field may be called what it likes.
  const headers = Object.create(null) as Record<string, string | undefined>
  let pseudoOver = false
  for (const [name, value] of fields) {
    if (!VALUE.test(value)) return null
    const before = headers[name]
    if (name.startsWith(':')) {
      if (pseudoOver || before !== undefined || !PSEUDO.has(name)) return null
      headers[name] = value
      continue
    }
    pseudoOver = true
    if (!NAME.test(name) || FORBIDDEN.has(name)) return null
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  const isWhole = [':method', ':scheme', ':path'].every((name) => (headers[name] ?? '') !== '')
  return isWhole ? headers : null
}
