// SPDX-License-Identifier: Apache-2.0

/**
 * How packets get from one to the other: directly, by the relay, inside WireGuard, as TCP.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { command } from '../support/official.ts'
import { until } from '../support/until.ts'
import { ipOf, pongBothWays } from './checks.ts'
import { scenario, type Part, type Scenario } from './scenario.ts'

/** Makes an official client use nothing but the relay. */
const RELAY_ONLY = {
  TS_DEBUG_ALWAYS_USE_DERP: '1',
  TS_DEBUG_DISABLE_UDP: '1',
}
const PAYLOAD_BYTES = 1 << 20

const direct = (a: Part, b: Part, more: Partial<Scenario> = {}): Scenario =>
  scenario(
    `paths/direct, ${a} and ${b}`,
    [a, b],
    async (stage) => {
      await stage.serve()
      const [one, two] = [await stage.joined(a, 'a'), await stage.joined(b, 'b')]
      await pongBothWays(one, two, 'direct')
    },
    more,
  )

const relayed = (a: Part, b: Part): Scenario =>
  scenario(`paths/relay only, ${a} and ${b}`, [a, b], async (stage) => {
    await stage.serve()
    const one = await stage.joined(a, 'a', { env: RELAY_ONLY })
    const two = await stage.joined(b, 'b', { env: RELAY_ONLY })
    await pongBothWays(one, two, 'relay')
    for (const [from, to] of [
      [one, two],
      [two, one],
    ] as const) {
      const said = await from.ok(['ping', '--tsmp', '--c=1', '--timeout=5s', await ipOf(to)])
      assert.match(said, /^pong/)
    }
  })

const inside = (a: Part, b: Part): Scenario =>
  scenario(`paths/TSMP and ICMP pings, ${a} and ${b}`, [a, b], async (stage) => {
    await stage.serve()
    const [one, two] = [await stage.joined(a, 'a'), await stage.joined(b, 'b')]
    await pongBothWays(one, two)
    for (const kind of ['--tsmp', '--icmp']) {
      for (const [from, to] of [
        [one, two],
        [two, one],
      ] as const) {
        const said = await from.ok(['ping', kind, '--c=3', '--timeout=5s', await ipOf(to)])
        assert.match(said, /^pong/)
      }
    }
  })

const tcp = (name: string, env: Readonly<Record<string, string>>, a: Part, b: Part): Scenario =>
  scenario(`paths/TCP payload ${name}, ${a} to ${b}`, [a, b], async (stage) => {
    await stage.serve()
    const one = await stage.joined(a, 'a', { env })
    const two = await stage.joined(b, 'b', { env })
    await pongBothWays(one, two)
    // What arrives is hashed and the hash sent back.
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const hash = createHash('sha256')
      let received = 0
      socket.on('data', (data: Buffer) => {
        hash.update(data)
        received += data.length
        if (received === PAYLOAD_BYTES) socket.end(`${hash.digest('hex')}\n`)
      })
      socket.on('error', () => socket.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      await two.ok(['serve', '--bg', '--yes', '--tcp=7000', `tcp://127.0.0.1:${port}`])
      const payload = randomBytes(PAYLOAD_BYTES)
      const words = [`--socket=${one.socket}`, 'nc', await ipOf(two), '7000']
      const nc = command(a === 'old' ? stage.old.tailscale : stage.current.tailscale, words)
      nc.write(payload)
      const digest = createHash('sha256').update(payload).digest('hex')
      await until('the hash comes back', () => nc.said().includes(digest))
      await nc.kill()
      stage.note(`${PAYLOAD_BYTES >> 10} KiB`)
    } finally {
      server.close()
    }
  })

/** The rows. */
export const paths: readonly Scenario[] = [
  direct('new', 'new'),
  direct('new', 'old'),
  direct('new', 'signet'),
  direct('old', 'signet'),
  direct('signet', 'signet'),
  relayed('new', 'signet'),
  relayed('signet', 'signet'),
  relayed('new', 'new'),
  relayed('new', 'old'),
  inside('new', 'old'),
  inside('new', 'signet'),
  inside('old', 'signet'),
  tcp('direct', {}, 'new', 'old'),
  tcp('by relay', RELAY_ONLY, 'old', 'new'),
]
