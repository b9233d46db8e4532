// SPDX-License-Identifier: Apache-2.0

/**
 * Dials the control server over the network. The server's key is fetched once and kept while it
 * works; a server that came back with another key is asked again after one failure.
 *
 * @module
 */

import type { MachinePrivate, MachinePublic } from '@signet/keys'
import { dialControl, fetchServerKey } from '@signet/ts2021'
import { chunksOf } from './chunks.ts'
import type { ControlConnection, DialControl } from './link.ts'

/** Whom to dial, and as whom. */
export type DialerOptions = {
  readonly url: string
  readonly machineKey: MachinePrivate
  readonly capability: number
}

/** Creates a dialler for one server. */
export function createDialer({ url, machineKey, capability }: DialerOptions): DialControl {
  let known: MachinePublic | undefined
  return async (signal): Promise<ControlConnection> => {
    const serverKey = known ?? (await fetchServerKey(url, capability, { signal }))
    known = undefined
    const connection = await dialControl({
      url,
      machineKey,
      serverKey,
      version: capability,
      signal,
    })
    known = serverKey
    return {
      async request({ method, path, body, headers, signal: until }) {
        const response = await connection.request({
          method,
          path,
          body,
          signal: until,
          ...(headers && { headers }),
        })
        return {
          status: response.status,
          retryAfter: response.headers['retry-after'],
          body: (limit) => response.body(limit),
          chunks: () => chunksOf(response.stream),
        }
      },
      isClosed: () => connection.closed,
      close: () => {
        connection.close()
      },
    }
  }
}
