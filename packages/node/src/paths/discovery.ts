// SPDX-License-Identifier: Apache-2.0

/**
 * Discovery of paths, between the tunnel and the datagrams: answers "are you there" from peers, and asks.
 *
 * Official nodes send WireGuard to an address only after it answered such a question, so a node that stays
 * silent is reachable for them through relays alone. Answered are admitted peers and nobody else: the
 * question must be sealed by the disco key of one, and name that peer's node key if it names any.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import {
  decodeDiscoMessage,
  DiscoError,
  discoSender,
  discoShared,
  encodeDiscoMessage,
  looksLikeDisco,
  openDisco,
  sealDisco,
  TRANSACTION_LENGTH,
  type DiscoMessage,
  type DiscoShared,
  type Ping,
  type Pong,
} from '@signet/disco'
import {
  isZeroDiscoPublic,
  parseDiscoPublic,
  type DiscoPrivate,
  type DiscoPublic,
  type NodePublic,
} from '@signet/keys'
import { parseIp } from '@signet/wireguard'
import type { Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { AdmittedPeer } from '../lock/gate.ts'
import type { Datagrams } from './datagrams.ts'
import { parseEndpoint } from './endpoint.ts'

const NONCE_LENGTH = 24
/** Endpoints of one peer that are asked at once: a server could name thousands. */
const MAX_ASKED = 32
/** Pings that may wait for an answer at once. */
const MAX_WAITING = 1_024
/** The first byte of the mark of discovery; WireGuard's messages begin with 1 to 4. */
const MARK = 0x54

/** What it is made from. */
export interface DiscoveryOptions {
  readonly udp: Datagrams
  readonly key: DiscoPrivate
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
}

/** See the module comment. What is no discovery passes through. */
export interface Discovery extends Datagrams {
  /** Makes these the peers that are answered, and nobody else; `self` is our node key. */
  setPeers(self: NodePublic | null, peers: readonly AdmittedPeer[]): void
  /**
   * Asks a peer at all its endpoints, and returns the answer that comes first; undefined if the peer does
   * not take part in discovery.
   *
   * @throws NodeError `timeout`, `bad-argument` when too many wait
   */
  ping(peer: NodePublic, timeoutMs: number): Promise<DiscoPong> | undefined
}

/** An answer. */
export interface DiscoPong {
  readonly latencyMs: number
  /** Where it came from. */
  readonly endpoint: string
}

interface Known {
  readonly key: DiscoPublic
  /** Who has this key. More than one only where somebody claims a key of another, who must not suffer from it. */
  readonly nodeKeys: Set<NodePublic>
  /** Made at first use. */
  shared: DiscoShared | undefined
}

interface Waiting {
  readonly key: DiscoPublic
  readonly answered: (endpoint: string) => void
}

/** Creates a discovery without peers. */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { udp, key: own, clock, random } = options
  const waiting = new Map<string, Waiting>()
  let byDisco = new Map<DiscoPublic, Known>()
  let byNode = new Map<NodePublic, { readonly peer: AdmittedPeer; readonly known: Known }>()
  let self: NodePublic | null = null
  let takeRest: (datagram: Uint8Array, endpoint: string) => void = () => {}

  const sharedOf = (known: Known): DiscoShared => (known.shared ??= discoShared(own, known.key))
  const send = (known: Known, message: DiscoMessage, endpoint: string): void => {
    const sealed = sealDisco(
      own,
      sharedOf(known),
      random(NONCE_LENGTH),
      encodeDiscoMessage(message),
    )
    udp.send(sealed, endpoint)
  }

  const answer = (known: Known, { nodeKey, transaction }: Ping, endpoint: string): void => {
    if (nodeKey !== null && !known.nodeKeys.has(nodeKey)) return
    const source = endpointBytes(endpoint)
    if (source !== null) send(known, { type: 'pong', transaction, source }, endpoint)
  }

  const settle = (known: Known, { transaction }: Pong, endpoint: string): void => {
    const entry = waiting.get(toHex(transaction))
    if (entry?.key === known.key) entry.answered(endpoint)
  }

  const receive = (datagram: Uint8Array, endpoint: string): void => {
    const known = byDisco.get(discoSender(datagram))
    // Nobody we know, or nobody we admitted: no answer tells that we are here.
    if (known === undefined) return
    const message = read(sharedOf, known, datagram)
    if (message?.type === 'ping') answer(known, message, endpoint)
    else if (message?.type === 'pong') settle(known, message, endpoint)
  }

  udp.onDatagram((datagram, endpoint) => {
    if (datagram[0] === MARK && looksLikeDisco(datagram)) receive(datagram, endpoint)
    else takeRest(datagram, endpoint)
  })

  return {
    send: (datagram, endpoint) => udp.send(datagram, endpoint),
    onDatagram(handler) {
      takeRest = handler
    },
    localEndpoints: () => udp.localEndpoints(),
    isCongested: () => udp.isCongested?.() === true,
    setPeers(nextSelf, peers) {
      self = nextSelf
      const before = byDisco
      byDisco = new Map()
      byNode = new Map()
      for (const peer of peers) {
        if (peer.discoKey === '') continue
        const key = parseDiscoPublic(peer.discoKey)
        if (isZeroDiscoPublic(key)) continue
        const known = byDisco.get(key) ?? {
          key,
          nodeKeys: new Set(),
          shared: before.get(key)?.shared,
        }
        known.nodeKeys.add(peer.nodeKey)
        byDisco.set(key, known)
        byNode.set(peer.nodeKey, { peer, known })
      }
    },
    ping(peer, timeoutMs) {
      const found = byNode.get(peer)
      const endpoints = (found?.peer.endpoints ?? []).filter((text) => parseEndpoint(text) !== null)
      if (found === undefined || self === null || endpoints.length === 0) return undefined
      const { known } = found
      if (waiting.size >= MAX_WAITING) {
        throw new NodeError('bad-argument', `Cannot ping: ${MAX_WAITING} pings are waiting`)
      }
      const transaction = random(TRANSACTION_LENGTH)
      const id = toHex(transaction)
      const sentAt = clock.now()
      const answered = new Promise<DiscoPong>((resolve, reject) => {
        const cancel = clock.schedule(timeoutMs, () => {
          waiting.delete(id)
          reject(new NodeError('timeout', `Cannot ping: no answer within ${timeoutMs} ms`))
        })
        waiting.set(id, {
          key: known.key,
          answered(endpoint) {
            waiting.delete(id)
            cancel()
            resolve({ latencyMs: clock.now() - sentAt, endpoint })
          },
        })
      })
      const message = { type: 'ping', transaction, nodeKey: self, padding: 0 } as const
      for (const endpoint of endpoints.slice(0, MAX_ASKED)) send(known, message, endpoint)
      return answered
    },
  }
}

/** Returns the message in a packet, or null if it was not sealed by this peer or cannot be read. */
function read(
  sharedOf: (known: Known) => DiscoShared,
  known: Known,
  datagram: Uint8Array,
): DiscoMessage | null {
  try {
    return decodeDiscoMessage(openDisco(sharedOf(known), datagram))
  } catch (error) {
    if (error instanceof DiscoError) return null
    throw error
  }
}

function endpointBytes(text: string): Pong['source'] | null {
  const endpoint = parseEndpoint(text)
  const address = endpoint && parseIp(endpoint.address.split('%', 1)[0] ?? '')
  return address === null ? null : { address, port: endpoint?.port ?? 0 }
}
