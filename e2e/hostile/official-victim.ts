// SPDX-License-Identifier: Apache-2.0

/**
 * An official client in a tailnet whose server lies: it is told a lie, and looked at when it has judged it.
 *
 * That a lie was heard is seen by a mark that comes with it or after it. A whole map is marked by its domain. A change
 * to it is followed by a frame that changes when another node was last seen, which official clients apply without
 * building the map anew: the mark itself must not repair what the lie has done.
 *
 * @module
 */

import { join } from 'node:path'
import { parseNodePublic, parseLockPublic, lockKeyId, type NodePublic } from '@signet/keys'
import type { ControlNode, MapResponse } from '@signet/protocol'
import type { LockStatus, NodeStatus } from '@signet/protocol/local-api'
import { aumHashFromBytes } from '@signet/tka'
import type { LyingTailnet, MapLie, Mode, Victim } from '../support/lying-tailnet.ts'
import { createOfficialNode, type OfficialNode, type OfficialRelease } from '../support/official.ts'
import { until } from '../support/until.ts'

const WAIT = { everyMs: 20, deadlineMs: 20_000 }

/** An official client under test. */
export interface OfficialVictim extends AsyncDisposable {
  readonly node: OfficialNode
  readonly dir: string
  readonly nodeKey: NodePublic
  readonly ip: string
  readonly udp: string
  /** Resolves when the client has heard and judged the lie, which is told once. */
  tell(mode: Mode, lie: MapLie): Promise<void>
  /** Whether the process is there. */
  isAlive(): boolean
  /** Ends the client and starts it again on what it left on disk; resolves when it has a map. */
  restart(meanwhile?: () => void): Promise<void>
  /** Whether it has a peer with this key at this address. */
  admits(shown: ControlNode): Promise<boolean>
  lock(): Promise<LockStatus>
  head(): Promise<string>
}

/** What a tailnet with an official victim is made of. */
export interface VictimOptions {
  readonly tailnet: LyingTailnet
  readonly release: OfficialRelease
  readonly dir: string
  readonly name: string
  /** A node that is in every whole map, and carries the marks. Not needed where there is no lock. */
  readonly witness?: ControlNode | undefined
  /** Signs it, where there is a lock. */
  readonly signer?: Victim | undefined
}

let marks = 0

/** Starts an official client, lets it join, and has it signed. */
export async function createOfficialVictim(options: VictimOptions): Promise<OfficialVictim> {
  const { tailnet, release, name, signer, witness } = options
  const dir = join(options.dir, name)
  const node = createOfficialNode({ dir, release, name })
  await node.start()
  const { url } = tailnet.control
  const words = [`--login-server=${url}`, `--auth-key=${tailnet.authKey}`, `--hostname=${name}`]
  await node.ok(['up', ...words])
  const running = ({ BackendState }: NodeStatus): boolean => BackendState === 'Running'
  const { Self } = await node.is('runs', running)
  const nodeKey = parseNodePublic(Self?.PublicKey ?? '')
  const ip = Self?.TailscaleIPs?.[0] ?? ''
  if (signer !== undefined) {
    await node.lockIs('is locked out', ({ Enabled }) => Enabled)
    const { PublicKey } = await node.lock()
    await signer.node.lock.sign(nodeKey, lockKeyId(parseLockPublic(PublicKey)))
    await node.lockIs('is signed', ({ NodeKeySigned }) => NodeKeySigned)
  }
  const port = async (): Promise<string> => {
    const now = await node.is('has a port', (each) => (each.Self?.Addrs ?? []).length > 0)
    return `127.0.0.1:${now.Self?.Addrs?.[0]?.split(':').at(-1) ?? ''}`
  }
  let udp = await port()

  const attended = (message: MapResponse): MapResponse =>
    witness === undefined ? message : { ...message, Peers: [...(message.Peers ?? []), witness] }
  const whole = async (lie: MapLie): Promise<void> => {
    const domain = `frame-${++marks}.official.example`
    tailnet.utter('full', (message, viewer) =>
      viewer === nodeKey && message.Peers !== undefined
        ? { ...lie(attended(message), viewer), Domain: domain }
        : message,
    )
    await until(`${name} hears ${domain}`, async () => (await domainOf(node)) === domain, {
      ...WAIT,
      seen: () => node.log().slice(-800),
    })
  }
  const change = async (lie: MapLie): Promise<void> => {
    const LastSeen = new Date(Date.UTC(2020, 0, 1) + ++marks * 1000).toISOString()
    const wire = LastSeen.replace('.000Z', 'Z')
    const told = Promise.withResolvers<void>()
    let isTold = false
    tailnet.utter('delta', (message, viewer) => {
      if (viewer !== nodeKey) return message
      if (isTold) {
        if (witness === undefined) throw new Error('No node carries the mark')
        return { ...message, PeersChangedPatch: [{ NodeID: witness.ID, LastSeen: wire }] }
      }
      isTold = true
      told.resolve()
      return lie(message, viewer)
    })
    await told.promise
    tailnet.control.wake('delta')
    await until(
      `${name} sees the witness at ${wire}`,
      async () => {
        const { Peer } = await node.local.status()
        return Object.values(Peer ?? {}).some((peer) => peer.LastSeen === wire)
      },
      { ...WAIT, seen: () => node.log().slice(-800) },
    )
  }
  return {
    node,
    dir,
    nodeKey,
    ip,
    get udp() {
      return udp
    },
    async tell(mode, lie) {
      try {
        await (mode === 'full' ? whole(lie) : change(lie))
      } finally {
        tailnet.hush()
      }
    },
    isAlive: () => node.pid !== undefined,
    async restart(meanwhile) {
      await node.stop()
      meanwhile?.()
      await node.start()
      await node.is('runs', running)
      udp = await port()
    },
    async admits({ Key, Addresses }) {
      const address = Addresses?.[0]?.split('/')[0] ?? ''
      const { Peer } = await node.local.status()
      const isListed = Object.values(Peer ?? {}).some(
        (peer) => peer.PublicKey === Key && peer.TailscaleIPs?.includes(address),
      )
      if (isListed) return true
      // The list has one entry for each key, whoever else has that key.
      const { status, stdout } = await node.cli(['whois', '--json', address])
      return status === 0 && stdout.includes(Key)
    },
    lock: () => node.lock(),
    async head() {
      const { Head } = await node.lock()
      return Head === null ? '' : aumHashFromBytes(Head)
    },
    [Symbol.asyncDispose]: () => node.stop('SIGKILL'),
  }
}

async function domainOf(node: OfficialNode): Promise<string | undefined> {
  return (await node.local.status()).CurrentTailnet?.Name
}

/** Says the truth. */
export const truth = (message: MapResponse): MapResponse => message
