// SPDX-License-Identifier: Apache-2.0

/**
 * A network of its own for a scenario: namespaces with interfaces, joined by a bridge, without any
 * NAT and without a way out. Needs root. Names are unique to the process; deleting the namespaces
 * takes everything with them.
 *
 * @module
 */

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runToEnd } from '../support/official.ts'

/** The address of the server, the same in every network: no other has it. */
const SERVER = '10.213.0.1'
const PREFIX = 24
/** Interface names have at most 15 characters. */
const BRIDGE = 'br0'

/** A namespace. */
export interface Space {
  readonly name: string
  readonly address: string
  /** Runs a program inside. */
  readonly wrap: readonly string[]
}

/** Some namespaces on one bridge. */
export interface Network extends AsyncDisposable {
  /** The one with the bridge, where the server runs. */
  readonly hub: Space
  readonly clients: readonly Space[]
}

/** Why there can be no network, undefined when there can. */
export function whyNoNetwork(): string | undefined {
  if (process.getuid?.() !== 0) return 'namespaces need root'
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
  return ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip', '/bin/ip'].some(existsSync)
    ? undefined
    : 'there is no ip command'
}

let networks = 0

/** Makes a network; `dir` keeps what the namespaces see as the settings of the resolver. */
export async function createNetwork(dir: string, clients: number): Promise<Network> {
  networks += 1
  const id = `signet-${process.pid}-${networks}`
  const made: string[] = []
  const resolver = join(dir, 'resolv.conf')
  writeFileSync(resolver, '# A namespace of its own.\n')

  const space = async (name: string, address: string): Promise<Space> => {
    await ip('netns', 'add', name)
    made.push(name)
    await ip('-n', name, 'link', 'set', 'lo', 'up')
    // Each command there has mounts of its own: a client may write its resolver, and does no harm.
    const script = `mount --bind ${resolver} /etc/resolv.conf && exec "$@"`
    return { name, address, wrap: ['ip', 'netns', 'exec', name, 'sh', '-c', script, 'sh'] }
  }
  const dispose = async (): Promise<void> => {
    for (const name of made.splice(0)) await ip('netns', 'del', name)
  }

  try {
    const hub = await space(`${id}-hub`, SERVER)
    await ip('-n', hub.name, 'link', 'add', BRIDGE, 'type', 'bridge')
    await ip('-n', hub.name, 'addr', 'add', `${SERVER}/${PREFIX}`, 'dev', BRIDGE)
    await ip('-n', hub.name, 'link', 'set', BRIDGE, 'up')
    const spaces = []
    for (let index = 1; index <= clients; index++) {
      const client = await space(`${id}-c${index}`, `10.213.0.${10 + index}`)
      const port = `port${index}`
      const veth = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', client.name]
      await ip('-n', hub.name, 'link', 'add', port, ...veth)
      await ip('-n', hub.name, 'link', 'set', port, 'master', BRIDGE, 'up')
      await ip('-n', client.name, 'addr', 'add', `${client.address}/${PREFIX}`, 'dev', 'eth0')
      await ip('-n', client.name, 'link', 'set', 'eth0', 'up')
      await ip('-n', client.name, 'route', 'add', 'default', 'via', SERVER)
      spaces.push(client)
    }
    return { hub, clients: spaces, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function ip(...words: readonly string[]): Promise<void> {
  const { status, stderr } = await runToEnd('ip', words)
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`)
}
