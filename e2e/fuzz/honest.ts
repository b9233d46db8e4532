// SPDX-License-Identifier: Apache-2.0

/**
 * Somebody who behaves: after everything else it joins and gets its map.
 *
 * @module
 */

import { zstdDecompressSync } from 'node:zlib'
import { decodeUtf8 } from '@signet/codec'
import {
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  lockPublicOf,
  nodePublicOf,
} from '@signet/keys'
import { MapFrameReader, parseMapResponse } from '@signet/protocol'
import { dial } from '../replay/client.ts'
import { OWN_KEY } from '../replay/server.ts'
import type { ReplayServer } from '../replay/server.ts'
import type { Tally } from './tally.ts'

/** Joins and reads a map; what does not work is a fault. */
export async function honestClient(server: ReplayServer, tally: Tally): Promise<void> {
  const connection = await dial(server.control, generateMachineKey())
  const NodeKey = nodePublicOf(generateNodeKey())
  const hello = { Version: 145, NodeKey, Hostinfo: { OS: 'linux', Hostname: 'honest' } }
  const ask = async (path: string, body: object): Promise<Uint8Array> => {
    const answering = connection.request({ method: 'POST', path, body: JSON.stringify(body) })
    let response = await Promise.race([answering, pass(server)])
    while (response === null) response = await Promise.race([answering, pass(server)])
    return response.body(1 << 20)
  }
  const registered = JSON.parse(
    decodeUtf8(
      await ask('/machine/register', {
        ...hello,
        NLKey: lockPublicOf(generateLockKey()),
        Auth: { AuthKey: OWN_KEY },
        Expiry: '0001-01-01T00:00:00Z',
      }),
    ),
  ) as { Error: string }
  if (registered.Error !== '') tally.fault(`An honest client cannot join: ${registered.Error}`)
  const reader = new MapFrameReader({ decompress: (bytes) => zstdDecompressSync(bytes) })
  const [frame] = reader.push(
    await ask('/machine/map', { ...hello, Compress: 'zstd', KeepAlive: false }),
  )
  const map = frame === undefined ? undefined : parseMapResponse(frame)
  if (map?.Node?.Key !== NodeKey) tally.fault('An honest client gets no map')
  connection.close()
}

async function pass({ clock }: ReplayServer): Promise<null> {
  await clock.advanceAsync(100)
  return null
}
