// SPDX-License-Identifier: Apache-2.0

/**
 * A relay on loopback, over plain HTTP, that can be stopped and started again on the same port.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { createRelay, DerpError, type Relay } from '@signet/derp'
import { generateNodeKey, type NodePublic } from '@signet/keys'
import type { DERPMap } from '@signet/protocol'

export type TestRelay = {
  readonly relay: Relay
  /** A map with this relay alone. */
  readonly map: DERPMap
  /** Keys that were let in, each time that they were. */
  readonly admitted: NodePublic[]
  stop(): Promise<void>
  start(): Promise<void>
}

/** Starts a relay; `serve` takes the place of an honest one. */
export async function startTestRelay(
  t: TestContext,
  options: { region?: number; serve?: (stream: Duplex) => void } = {},
): Promise<TestRelay> {
  const { region = 900 } = options
  const admitted: NodePublic[] = []
  const relay = createRelay({
    serverKey: generateNodeKey(),
    refusal: (key) => {
      admitted.push(key)
      return undefined
    },
    now: () => Date.now(),
    nonce: () => randomBytes(24),
  })
  const streams = new Set<Duplex>()
  let port = 0
  let server: Server | undefined

  const honest = (stream: Duplex): void => {
    const connection = relay.accept(
      {
        get backlog() {
          return stream.writableLength
        },
        write: (parts) => parts.forEach((part) => stream.write(part)),
        close: () => void stream.destroy(),
      },
      { address: new Uint8Array(16), port: 1 },
    )
    stream.on('data', (chunk: Buffer) => {
      try {
        connection.receive(chunk)
      } catch (error) {
        if (!(error instanceof DerpError)) throw error
        stream.destroy()
      }
    })
    stream.on('drain', () => connection.drain())
    stream.once('close', () => connection.closed())
  }
  const start = async (): Promise<void> => {
    server = createServer()
    server.on('upgrade', (_request, stream) => {
      streams.add(stream)
      stream.on('error', () => stream.destroy())
      stream.on('end', () => stream.destroy())
      stream.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n',
      )
      ;(options.serve ?? honest)(stream)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const stop = async (): Promise<void> => {
    for (const stream of streams) stream.destroy()
    streams.clear()
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    server = undefined
    await closed
  }
  await start()
  t.after(stop)
  return { relay, map: mapOf([{ region, port }]), admitted, stop, start }
}

/** Returns a map of relays on loopback. */
export function mapOf(relays: readonly { region: number; port: number }[]): DERPMap {
  return {
    omitDefaultRegions: true,
    Regions: Object.fromEntries(
      relays.map(({ region, port }) => [
        region,
        {
          RegionID: region,
          RegionCode: `r${region}`,
          RegionName: 'Test',
          Nodes: [
            {
              Name: `${region}a`,
              RegionID: region,
              HostName: '127.0.0.1',
              IPv4: '127.0.0.1',
              DERPPort: port,
              InsecureForTests: true,
            },
          ],
        },
      ]),
    ),
  }
}
