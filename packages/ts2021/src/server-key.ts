// SPDX-License-Identifier: Apache-2.0

/**
 * The server's key, fetched before the first connection: `GET /key?v=N`.
 *
 * This is the one moment in which TLS is what vouches for the server: whoever answers here is the
 * server from then on.
 *
 * @module
 */

import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { decodeUtf8 } from '@signet/codec'
import { isZeroMachinePublic, type MachinePublic, parseMachinePublic } from '@signet/keys'
import { Ts2021Error } from './errors.ts'
import { DIAL_TIMEOUT, MAX_KEY_RESPONSE } from './limits.ts'
import { readBody } from './read-body.ts'

/** Settings of {@link fetchServerKey}. */
export interface FetchKeyOptions {
  readonly signal?: AbortSignal | undefined
  /** In milliseconds. */
  readonly timeout?: number | undefined
}

/**
 * Asks the server for the key of its control connection. Redirects are not followed.
 *
 * @throws Ts2021Error `unreachable`, `bad-key-response`, `timeout`, `body-too-large`, `closed`
 */
export async function fetchServerKey(
  url: string,
  version: number,
  options: FetchKeyOptions = {},
): Promise<MachinePublic> {
  const { status, body } = await get(new URL(`/key?v=${version}`, url), options)
  if (status !== 200) {
    throw new Ts2021Error('bad-key-response', `Cannot get server key: HTTP status ${status}`)
  }
  return parseKey(body)
}

function parseKey(body: Uint8Array): MachinePublic {
  try {
    const value: unknown = JSON.parse(decodeUtf8(body))
    // Names match in any case, and the last one counts.
    const member = Object.entries(value ?? {}).findLast(
      ([name]) => name.toLowerCase() === 'publickey',
    )
    const key = parseMachinePublic(String(member?.[1]))
    if (!isZeroMachinePublic(key)) return key
  } catch (cause) {
    throw new Ts2021Error('bad-key-response', 'Cannot get server key: malformed answer', { cause })
  }
  throw new Ts2021Error('bad-key-response', 'Cannot get server key: the server is too old')
}

function get(
  url: URL,
  { signal, timeout = DIAL_TIMEOUT }: FetchKeyOptions,
): Promise<{ status: number; body: Uint8Array }> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      agent: false,
      ...(signal && { signal }),
    })
    const deadline = setTimeout(
      () => request.destroy(new Ts2021Error('timeout', 'Cannot get server key: no answer in time')),
      timeout,
    )
    request.on('close', () => clearTimeout(deadline))
    request.on('error', (cause) => {
      if (cause instanceof Ts2021Error) reject(cause)
      else
        reject(
          new Ts2021Error('unreachable', `Cannot reach ${url.host}: ${cause.message}`, { cause }),
        )
    })
    request.on('response', (response) => {
      void readBody(response, MAX_KEY_RESPONSE)
        .then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
        .finally(() => request.destroy())
    })
    request.end()
  })
}
