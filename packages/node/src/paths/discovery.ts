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
import { formatIp, parseIp } from '@signet/wireguard'
import type { Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { AdmittedPeer } from '../lock/gate.ts'
import type { Datagrams } from './datagrams.ts'
import { formatEndpoint, parseEndpoint } from './endpoint.ts'
import { isRelayEndpoint, relayEndpoint } from './relay-endpoint.ts'

const NONCE_LENGTH = 24
/** Endpoints of one peer that are asked at once: a server could name thousands. */
const MAX_ASKED = 32
/** Questions that may wait for an answer at once: all endpoints of a hundred peers. */
const MAX_WAITING = 4_096
/** How long a question about a path waits for its answer; official. */
const ASK_MS = 5_000
/** How relays stand where an address is expected; the port is the region, which nobody needs. */
const RELAY_SOURCE: Pong['source'] = { address: Uint8Array.of(127, 3, 3, 40), port: 1 }
/** The first byte of the mark of discovery; WireGuard's messages begin with 1 to 4. */
const MARK = 0x54

/** What it is made from. */
export interface DiscoveryOptions {
  /** UDP, or UDP and relays. */
  readonly udp: Datagrams
  readonly key: DiscoPrivate
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
}

/** What is learned about paths, from sealed messages of admitted peers. */
export interface PathEvents {
  /** A question of {@link Discovery.ask} was answered. */
  answered(peer: NodePublic, endpoint: string, latencyMs: number): void
  /** The peer asks us, from this endpoint. */
  asked(peer: NodePublic, endpoint: string): void
  /** The peer wants to be asked at these endpoints; came by a relay. */
  called(peer: NodePublic, endpoints: readonly string[]): void
}

/** See the module comment. What is no discovery passes through. */
export interface Discovery extends Datagrams {
  /** Makes these the peers that are answered, and nobody else; `self` is our node key. */
  setPeers(self: NodePublic | null, peers: readonly AdmittedPeer[]): void
  /** Sets who is told about paths. */
  onPaths(events: PathEvents): void
  /**
   * Asks a peer at all its endpoints and at `more`, and returns the answer that comes first; undefined if
   * the peer does not take part in discovery, or there is nowhere to ask.
   *
   * @throws NodeError `timeout`, `bad-argument` when too many wait
   */
  ping(
    peer: NodePublic,
    timeoutMs: number,
    more?: readonly string[],
  ): Promise<DiscoPong> | undefined
  /** Asks a peer at each of these endpoints. */
  ask(peer: NodePublic, endpoints: readonly string[]): void
  /** Has the peer ask us at our endpoints; goes by a relay. */
  call(peer: NodePublic): void
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
  readonly known: Known
  readonly sentAt: number
  /** Where it was asked; undefined for everywhere at once. */
  readonly endpoint: string | undefined
  readonly answered: (endpoint: string, latencyMs: number) => void
}

/** Creates a discovery without peers. */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { udp, key: own, clock, random } = options
  const waiting = new Map<string, Waiting>()
  let byDisco = new Map<DiscoPublic, Known>()
  let byNode = new Map<NodePublic, { readonly peer: AdmittedPeer; readonly known: Known }>()
  let self: NodePublic | null = null
  let takeRest: (datagram: Uint8Array, endpoint: string) => void = () => {}
  let events: PathEvents = { answered() {}, asked() {}, called() {} }

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
    const source = isRelayEndpoint(endpoint) ? RELAY_SOURCE : endpointBytes(endpoint)
    if (source === null) return
    send(known, { type: 'pong', transaction, source }, endpoint)
    if (nodeKey !== null) events.asked(nodeKey, endpoint)
  }

  const settle = (known: Known, { transaction }: Pong, endpoint: string): void => {
    const id = toHex(transaction)
    const entry = waiting.get(id)
    if (entry?.known.key !== known.key) return
    // An answer comes the way of its question: by a relay, or not.
    const asked = entry.endpoint
    if (asked !== undefined && isRelayEndpoint(asked) !== isRelayEndpoint(endpoint)) return
    waiting.delete(id)
    entry.answered(asked ?? endpoint, clock.now() - entry.sentAt)
  }

  const receive = (datagram: Uint8Array, endpoint: string): void => {
    const known = byDisco.get(discoSender(datagram))
    // Nobody we know, or nobody we admitted: no answer tells that we are here.
    if (known === undefined) return
    // By a relay, the node key that it came from has to be that of the sender.
    const relayed = isRelayEndpoint(endpoint)
      ? [...known.nodeKeys].find((key) => relayEndpoint(key) === endpoint)
      : null
    if (relayed === undefined) return
    const message = read(sharedOf, known, datagram)
    if (message?.type === 'ping') answer(known, message, endpoint)
    else if (message?.type === 'pong') settle(known, message, endpoint)
    else if (message?.type === 'call-me-maybe' && relayed !== null) {
      events.called(relayed, message.endpoints.flatMap(endpointText))
    }
  }

  /** Forgets questions that nobody answered. They wait in the order in which they were asked. */
  const forget = (): void => {
    const now = clock.now()
    for (const [id, { sentAt, endpoint }] of waiting) {
      if (endpoint === undefined) continue
      if (now - sentAt < ASK_MS) return
      waiting.delete(id)
    }
  }

  udp.onDatagram((datagram, endpoint) => {
    if (datagram[0] === MARK && looksLikeDisco(datagram)) receive(datagram, endpoint)
    else takeRest(datagram, endpoint)
  })

  return {
    send: (datagram, endpoint, peer) => udp.send(datagram, endpoint, peer),
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
    onPaths(next) {
      events = next
    },
    ask(peer, endpoints) {
      const known = byNode.get(peer)?.known
      if (known === undefined || self === null) return
      forget()
      for (const endpoint of endpoints.slice(0, MAX_ASKED)) {
        if (waiting.size >= MAX_WAITING) return
        const transaction = random(TRANSACTION_LENGTH)
        waiting.set(toHex(transaction), {
          known,
          sentAt: clock.now(),
          endpoint,
          answered: (from, latencyMs) => events.answered(peer, from, latencyMs),
        })
        send(known, { type: 'ping', transaction, nodeKey: self, padding: 0 }, endpoint)
      }
    },
    call(peer) {
      const known = byNode.get(peer)?.known
      if (known === undefined) return
      const endpoints = udp.localEndpoints().flatMap((text) => endpointBytes(text) ?? [])
      if (endpoints.length === 0) return
      send(known, { type: 'call-me-maybe', endpoints }, relayEndpoint(peer))
    },
    ping(peer, timeoutMs, more = []) {
      const found = byNode.get(peer)
      const direct = (found?.peer.endpoints ?? []).filter((text) => parseEndpoint(text) !== null)
      const endpoints = [...new Set([...more, ...direct])]
      if (found === undefined || self === null || endpoints.length === 0) return undefined
      const { known } = found
      forget()
      if (waiting.size >= MAX_WAITING) {
        throw new NodeError('bad-argument', `Cannot ping: ${MAX_WAITING} pings are waiting`)
      }
      const transaction = random(TRANSACTION_LENGTH)
      const id = toHex(transaction)
      const answered = new Promise<DiscoPong>((resolve, reject) => {
        const cancel = clock.schedule(timeoutMs, () => {
          waiting.delete(id)
          reject(new NodeError('timeout', `Cannot ping: no answer within ${timeoutMs} ms`))
        })
        waiting.set(id, {
          known,
          sentAt: clock.now(),
          endpoint: undefined,
          answered(endpoint, latencyMs) {
            cancel()
            resolve({ latencyMs, endpoint })
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

/** Returns the text of an endpoint that a peer named, or nothing if it cannot be that of one machine. */
function endpointText({ address, port }: Pong['source']): readonly string[] {
  const [first = 0] = address
  const isMany = address.length === 4 ? first === 0 || first >= 224 : first === 0xff
  if (port === 0 || isMany || address.every((byte) => byte === 0)) return []
  return [formatEndpoint(formatIp(address), port)]
}
