// SPDX-License-Identifier: Apache-2.0

/**
 * As root: clients with interfaces of their own in namespaces, so that the packets of the system itself
 * go through the tunnel.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority } from '@signet/testkit/certificates'
import { command, runToEnd, type OfficialCommand } from '../support/official.ts'
import { until } from '../support/until.ts'
import {
  allUnderLock,
  ipOf,
  isSilent,
  lockKeyOf,
  lockOn,
  nodeKeyOf,
  pongBothWays,
  sees,
} from './checks.ts'
import { whyNoNetwork, type Network, type Space } from './network.ts'
import { type Part, type Scenario } from './scenario.ts'
import type { Member, Stage } from './stage.ts'

const PEER = join(import.meta.dirname, 'kernel-peer.ts')
const TRANSFER_BYTES = 16 << 20
const PORT = '7000'
/** Without these the system would be set up for more than the tunnel. */
const UP_FLAGS = ['--accept-dns=false', '--netfilter-mode=off']

function inSpace(space: Space, words: readonly string[]): OfficialCommand {
  const [program = '', ...rest] = [...space.wrap, process.execPath, PEER, ...words]
  return command(program, rest)
}

/** Starts the server with TLS: that is how clients take its relay from anywhere but loopback. */
async function serve(stage: Stage): Promise<void> {
  const address = stage.network?.hub.address ?? ''
  const dir = stage.programs.dir
  const authority = createAuthority()
  const { cert, key } = authority.issue({ names: [address] })
  writeFileSync(join(dir, 'authority.pem'), authority.cert)
  writeFileSync(join(dir, 'cert.pem'), cert)
  writeFileSync(join(dir, 'key.pem'), key, { mode: 0o600 })
  await again(stage)
}

/** The same once more, after it was stopped. */
async function again(stage: Stage): Promise<void> {
  const file = (name: string): string => join(stage.programs.dir, name)
  const tls = ['--tls-cert', file('cert.pem'), '--tls-key', file('key.pem')]
  await stage.serve([...tls, '--url', `https://${stage.network?.hub.address ?? ''}`])
}

async function member(stage: Stage, part: Part, name: string, space: Space): Promise<Member> {
  return stage.joined(part, name, {
    tun: 'tailscale0',
    wrap: space.wrap,
    upFlags: UP_FLAGS,
    env: { SSL_CERT_FILE: join(stage.programs.dir, 'authority.pem'), TS_DEBUG_USE_DERP_HTTP: '0' },
  })
}

/** Resolves with how many milliseconds a datagram of the system took to come back through the tunnel. */
async function udpThrough(from: Space, to: Space, ip: string): Promise<void> {
  const echo = inSpace(to, ['udp-echo', ip, PORT])
  try {
    await until('the echo listens', () => echo.said().includes('listening'))
    const ping = inSpace(from, ['udp-ping', ip, PORT])
    try {
      await until('a datagram comes back', () => ping.said().includes('pong'))
    } finally {
      await ping.kill()
    }
  } finally {
    await echo.kill()
  }
}

async function tcpThrough(from: Space, to: Space, ip: string): Promise<number> {
  const listener = inSpace(to, ['listen', ip, PORT])
  try {
    await until('somebody listens', () => listener.said().includes('listening'))
    const began = performance.now()
    const words = [process.execPath, PEER, 'send', ip, PORT, String(TRANSFER_BYTES)]
    const [program = '', ...rest] = [...from.wrap, ...words]
    const { status, stdout, stderr } = await runToEnd(program, rest)
    assert.equal(status, 0, stderr)
    const seconds = (performance.now() - began) / 1000
    await until('the same bytes arrive', () => listener.said().includes(stdout.trim()))
    return (TRANSFER_BYTES * 8) / 1e6 / seconds
  } finally {
    await listener.kill()
  }
}

/** The kernel's own ping, where it is installed. */
async function kernelPing(stage: Stage, from: Space, ip: string): Promise<void> {
  const [program, ...rest] = [...from.wrap, 'ping', '-c1', '-W5', ip]
  const { status, stderr } = await runToEnd(program, rest)
  if (status === 127) return stage.note('no ping command here')
  assert.equal(status, 0, `ping ${ip}: ${stderr}`)
  return stage.note('kernel ping')
}

function spaces(stage: Stage, count: number): readonly Space[] {
  const network: Network | undefined = stage.network
  if (network === undefined || network.clients.length < count) throw new Error('No network')
  return network.clients
}

const row = (
  name: string,
  parts: readonly Part[],
  run: (stage: Stage, space: readonly Space[]) => Promise<void>,
): Scenario => ({
  name: `namespaces/${name}`,
  parts,
  mode: 'namespaces',
  unable: whyNoNetwork,
  run: async (stage) => run(stage, spaces(stage, parts.length)),
})

const traffic = (a: Part, b: Part): Scenario =>
  row(`UDP, TCP and pings of the system, ${a} and ${b}`, [a, b], async (stage, [one, two]) => {
    if (one === undefined || two === undefined) throw new Error('No network')
    await serve(stage)
    const first = await member(stage, a, 'a', one)
    const second = await member(stage, b, 'b', two)
    await pongBothWays(first, second, 'direct')
    await sees(first, 'b', 'has a path on the bridge', (peer) => {
      return peer?.CurAddr.startsWith(`${two.address}:`) === true
    })
    const [ipA, ipB] = [await ipOf(first), await ipOf(second)]
    await kernelPing(stage, one, ipB)
    await udpThrough(one, two, ipB)
    await udpThrough(two, one, ipA)
    const megabits = await tcpThrough(one, two, ipB)
    stage.note(`${TRANSFER_BYTES >> 20} MiB of TCP at ${megabits.toFixed(0)} Mbit/s`)
  })

const locked = (a: Part, b: Part): Scenario =>
  row(`lock decides about packets of the system, ${a} and ${b}`, [a, b], async (stage, all) => {
    const [one, two] = all
    if (one === undefined || two === undefined) throw new Error('No network')
    await serve(stage)
    const first = await member(stage, a, 'a', one)
    await lockOn([first])
    await allUnderLock([first], 1)
    const second = await member(stage, b, 'b', two)
    await second.lockIs('is locked out', ({ Enabled, NodeKeySigned }) => Enabled && !NodeKeySigned)
    const ip = await ipOf(second)
    await isSilent(first, ip)
    const echo = inSpace(two, ['udp-echo', ip, PORT])
    const ping = inSpace(one, ['udp-ping', ip, PORT])
    try {
      await until('the echo listens', () => echo.said().includes('listening'))
      // Datagrams are sent all the time; none came back when the pings above had given up.
      assert.equal(ping.said(), '')
      await first.ok(['lock', 'sign', await nodeKeyOf(second), await lockKeyOf(second)])
      await allUnderLock([first, second], 1)
      await until('a datagram comes back', () => ping.said().includes('pong'))
    } finally {
      await ping.kill()
      await echo.kill()
    }
  })

const restartedServer = row(
  'TCP goes on while the server is killed',
  ['new', 'old'],
  async (stage, [one, two]) => {
    if (one === undefined || two === undefined) throw new Error('No network')
    await serve(stage)
    const first = await member(stage, 'new', 'a', one)
    const second = await member(stage, 'old', 'b', two)
    await pongBothWays(first, second, 'direct')
    await stage.stopServer('SIGKILL')
    const ip = await ipOf(second)
    const megabits = await tcpThrough(one, two, ip)
    stage.note(`without a server: ${megabits.toFixed(0)} Mbit/s`)
    await again(stage)
    await stage.owner(['nodes', 'rename', 'b', 'renamed'])
    await sees(first, 'renamed', 'is heard of', (peer) => peer !== undefined, 60_000)
    await udpThrough(one, two, ip)
  },
)

/** The rows. */
export const namespaces: readonly Scenario[] = [
  traffic('new', 'new'),
  traffic('new', 'old'),
  traffic('old', 'new'),
  locked('new', 'old'),
  locked('old', 'new'),
  restartedServer,
]
