// SPDX-License-Identifier: Apache-2.0

/**
 * A small text from a URL, with an end to how long and how large.
 *
 * @module
 */

import type { Clock } from '../clock.ts'

/** What came. */
export interface FetchedText {
  readonly text: string
  /** What to ask with, the next time. */
  readonly etag: string | null
}

/** Fetches a text; null when it has not changed since `etag`. Rejects with what went wrong. */
export async function fetchText(
  url: string,
  options: {
    readonly clock: Clock
    readonly deadlineMs: number
    readonly maxBytes: number
    readonly etag: string | null
    readonly signal: AbortSignal
  },
): Promise<FetchedText | null> {
  const { clock, deadlineMs, maxBytes, etag, signal } = options
  const late = new AbortController()
  const cancel = clock.schedule(deadlineMs, () => late.abort(new Error('no answer in time')))
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, late.signal]),
      headers: {
        accept: 'application/json, application/yaml, */*;q=0.5',
        ...(etag !== null && { 'if-none-match': etag }),
      },
    })
    const isDowngraded = url.startsWith('https:') && !response.url.startsWith('https:')
    if (isDowngraded || (response.status !== 200 && response.status !== 304)) {
      await response.body?.cancel()
      throw new Error(isDowngraded ? 'led to a place without TLS' : `status ${response.status}`)
    }
    if (response.status === 304) return null
    return { text: await readText(response, maxBytes), etag: response.headers.get('etag') }
  } finally {
    cancel()
  }
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > maxBytes) throw new Error(`the answer exceeds ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
