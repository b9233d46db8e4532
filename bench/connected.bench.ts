// SPDX-License-Identifier: Apache-2.0

/**
 * Ten thousand nodes of one network, all connected to one server.
 *
 * @module
 */

import { at, inLanes, withServer } from './bench-server.ts'
import type { Row } from './harness.ts'

const NODES = 10_000
const KIB = 1024
const GIB = KIB ** 3

export async function bench(): Promise<readonly Row[]> {
  return await withServer(async (server) => {
    const before = server.usage()
    const start = performance.now()
    const clients = await inLanes(NODES, (index) => server.join(`node-${index}`))
    await inLanes(NODES, (index) => at(clients, index).stream())
    const seconds = ((await server.quiet()) - start) / 1000
    const { rssBytes, cpuMs } = server.usage()
    const { connected } = await server.counts()
    for (const client of clients) client.close()
    return [
      {
        area: 'server',
        what: `${NODES.toLocaleString('en')} nodes connected`,
        figures: [
          { name: 'connected', value: connected, unit: '' },
          { name: 'memory', value: rssBytes / GIB, unit: 'GiB' },
          { name: 'for each', value: (rssBytes - before.rssBytes) / NODES / KIB, unit: 'KiB' },
          { name: 'until quiet', value: seconds, unit: 's' },
          { name: 'server CPU', value: (cpuMs - before.cpuMs) / 1000, unit: 's' },
        ],
        bound: 'first maps: each is the whole network, over a megabyte',
        goal: { text: 'within 2 GiB', met: connected === NODES && rssBytes <= 2 * GIB },
      },
    ]
  })
}
