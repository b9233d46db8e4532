// SPDX-License-Identifier: Apache-2.0

/**
 * The network map of one stream: messages merged into what the server says now.
 *
 * NOTHING in it is verified. It is the server's word, and goes to the gate before it goes anywhere.
 *
 * A session is owned by one stream and changed in place, so that a change of one peer costs the same
 * among ten peers and among ten thousand. Nodes themselves are never changed: a changed node is a
 * new object, so whoever keeps the old one can compare.
 *
 * @module
 */

import { encodeUtf8, fromBase32, toBase32, toHex } from '@signet/codec'
import { sha256 } from '@signet/crypto'
import type { RawJson } from './codecs.ts'
import type { ControlNode, PeerChange } from './control-node.ts'
import type { DERPMap } from './derp-map.ts'
import { magicDnsSuffix, withDisplayNames } from './display-name.ts'
import type { DNSConfig } from './dns.ts'
import { ProtocolError } from './errors.ts'
import type { FilterRule } from './filter-rule.ts'
import { compareUtf8 } from './json-text.ts'
import { MAX_NETMAP_ENTRIES } from './limits.ts'
import type { DisplayMessage, MapResponse } from './map.ts'
import {
  diffPeer,
  isAfter,
  isLightChange,
  isStaleDiscoChange,
  patchPeer,
  upgradeNode,
} from './peer-change.ts'
import type { SSHPolicy } from './ssh.ts'
import type { UserProfile } from './user.ts'
import { wireTime } from './wire-time.ts'

/** A part of the map other than the peers. */
export type NetmapPart =
  | 'self'
  | 'derpMap'
  | 'dns'
  | 'domain'
  | 'collectServices'
  | 'packetFilter'
  | 'userProfiles'
  | 'messages'
  | 'sshPolicy'
  | 'lock'

/** What happened to one peer. */
export interface PeerMutation {
  readonly node: number
  readonly kind: 'Upsert' | 'Remove' | 'DERPHome' | 'Endpoints' | 'Online' | 'LastSeen'
}

/** What one message changed. */
export interface NetmapChange {
  /** Parts that the message spoke about, whether or not they differ from before. */
  readonly parts: ReadonlySet<NetmapPart>
  /** Peers that are new, gone or another object than before; `all` after a full list. */
  readonly peers: 'all' | ReadonlySet<number>
  /**
   * True if everything that depends on the map has to be worked out again, by the judgement of
   * official clients: a change of the lock, of self, of a key or signature. If false, `mutations`
   * together with `parts` packetFilter and userProfiles say it all.
   */
  readonly full: boolean
  /** What happened to single peers, by node id. */
  readonly mutations: readonly PeerMutation[]
}

/** What the server says about the lock. */
export interface NetmapLock {
  /** False if the server has said nothing, "off", or a head that is none. */
  readonly enabled: boolean
  /** Text of the head, or "" if the server gave none. */
  readonly head: string
}

/** The merged map of one stream. See the module comment: unverified, changed in place. */
export class NetmapSession {
  readonly #peers = new Map<number, ControlNode>()
  readonly #users = new Map<number, UserProfile>()
  #filters = new Map<string, readonly FilterRule[]>()
  #messages = new Map<string, DisplayMessage>()
  #health: readonly string[] = []
  #self: ControlNode | undefined
  #derpMap: DERPMap | undefined
  #dns: DNSConfig = {}
  #domain = ''
  #collectServices = false
  #rules: readonly FilterRule[] = []
  #sshPolicy: SSHPolicy | undefined
  #lock: NetmapLock = { enabled: false, head: '' }

  /** The node itself, once the server has described it. */
  get self(): ControlNode | undefined {
    return this.#self
  }

  /** Peers by node id. */
  get peers(): ReadonlyMap<number, ControlNode> {
    return this.#peers
  }

  /** All users that the server has told of. */
  get users(): ReadonlyMap<number, UserProfile> {
    return this.#users
  }

  get derpMap(): DERPMap | undefined {
    return this.#derpMap
  }

  get dns(): DNSConfig {
    return this.#dns
  }

  get domain(): string {
    return this.#domain
  }

  get collectServices(): boolean {
    return this.#collectServices
  }

  /** All filter rules in force, chunk by chunk in the order of the chunks' names. */
  get packetFilterRules(): readonly FilterRule[] {
    return this.#rules
  }

  get sshPolicy(): SSHPolicy | undefined {
    return this.#sshPolicy
  }

  /** What the server says about the lock, which is not what is true about it. */
  get lock(): NetmapLock {
    return this.#lock
  }

  /** The peers in the order of their ids. Costs a sort. */
  sortedPeers(): ControlNode[] {
    return [...this.#peers.values()].toSorted((a, b) => a.ID - b.ID)
  }

  /** Users that own a node of the map, or share one. */
  referencedUsers(): ReadonlyMap<number, UserProfile> {
    const out = new Map<number, UserProfile>()
    const add = (id: number | undefined): void => {
      const profile = id === undefined || id === 0 ? undefined : this.#users.get(id)
      if (profile !== undefined) out.set(profile.ID, profile)
    }
    add(this.#self?.User)
    for (const peer of this.#peers.values()) {
      add(peer.Sharer)
      add(peer.User)
    }
    return out
  }

  /** Messages for the user by id; those in the old form get an id made of their text. */
  displayMessages(): ReadonlyMap<string, DisplayMessage> {
    if (this.#messages.size > 0) return this.#messages
    return new Map(
      this.#health.map((text) => [
        `health-${toHex(sha256(encodeUtf8(text)))}`,
        {
          Title: 'Coordination server reports an issue',
          Severity: 'medium',
          Text: `The coordination server is reporting a health issue: ${text}`,
        },
      ]),
    )
  }

  /**
   * Merges one message into the map. `now` is the time in milliseconds, for peers seen just now.
   * Keep-alives must not come here.
   *
   * @throws ProtocolError `too-large` if the map outgrows its bounds; the session is over then
   */
  merge(message: MapResponse, now: number): NetmapChange {
    const parts = new Set<NetmapPart>()
    if (message.Node !== undefined) {
      parts.add('self')
      const upgraded = withCapMap(upgradeNode(message.Node))
      this.#self = withDisplayNames(upgraded, magicDnsSuffix(upgraded.Name))
    }
    const suffix = magicDnsSuffix(this.#self?.Name ?? '')
    const named = (node: ControlNode): ControlNode => withDisplayNames(upgradeNode(node), suffix)
    const outcome = this.#mergePeers(message, named, now)
    this.#mergeUsers(message, parts)
    this.#mergeDerpMap(message, parts)
    this.#mergeFilters(message, parts)
    this.#mergeMessages(message, parts)
    this.#mergeRest(message, parts)
    this.#checkSize()
    return { parts, ...outcome, full: outcome.full || needsRebuild(message) }
  }

  #mergePeers(
    message: MapResponse,
    named: (node: ControlNode) => ControlNode,
    now: number,
  ): Omit<NetmapChange, 'parts'> {
    if (message.Peers !== undefined && message.Peers.length > 0) {
      this.#replacePeers(message.Peers.flatMap((node) => (node === null ? [] : [named(node)])))
      // A full list precludes all other changes of peers.
      return { peers: 'all', full: true, mutations: [] }
    }
    const { replaced, patches } = this.#sortChanges(message, named)
    const touched = new Set<number>()
    const mutations: PeerMutation[] = []
    const put = (node: ControlNode): void => {
      this.#peers.set(node.ID, node)
      touched.add(node.ID)
    }
    for (const node of message.PeersRemoved ?? []) {
      if (this.#peers.delete(node)) touched.add(node)
      mutations.push({ node, kind: 'Remove' })
    }
    for (const node of replaced) {
      put(node)
      mutations.push({ node: node.ID, kind: 'Upsert' })
    }
    for (const [node, seen] of idEntries(message.PeerSeenChange)) {
      const peer = this.#peers.get(node)
      if (peer !== undefined) put({ ...peer, LastSeen: seen ? wireTime(now) : undefined })
    }
    for (const [node, Online] of idEntries(message.OnlineChange)) {
      const peer = this.#peers.get(node)
      if (peer !== undefined) put({ ...peer, Online })
    }
    for (const change of patches) {
      const peer = this.#peers.get(change.NodeID)
      if (peer !== undefined) put(patchPeer(peer, change))
      mutations.push(...mutationsOf(change))
    }
    for (const [node] of idEntries(message.OnlineChange)) mutations.push({ node, kind: 'Online' })
    for (const [node, seen] of idEntries(message.PeerSeenChange)) {
      if (seen) mutations.push({ node, kind: 'LastSeen' })
    }
    return {
      peers: touched,
      full: patches.some((change) => !isLightChange(change)),
      mutations: mutations.toSorted((a, b) => a.node - b.node),
    }
  }

  #replacePeers(nodes: readonly ControlNode[]): void {
    const known = new Map(this.#peers)
    this.#peers.clear()
    for (const node of nodes) this.#peers.set(node.ID, keepNewerDisco(node, known.get(node.ID)))
  }

  /** Whole descriptions become changes where few fields differ; those come after the server's own. */
  #sortChanges(
    message: MapResponse,
    named: (node: ControlNode) => ControlNode,
  ): { replaced: ControlNode[]; patches: PeerChange[] } {
    const replaced: ControlNode[] = []
    const patches = (message.PeersChangedPatch ?? []).filter((change) => change !== null)
    for (const described of message.PeersChanged ?? []) {
      if (described === null) continue
      const node = named(described)
      const known = this.#peers.get(node.ID)
      const difference = known === undefined ? undefined : diffPeer(known, node)
      if (difference === undefined || difference.kind === 'replace') replaced.push(node)
      else if (difference.kind === 'patch') patches.push(difference.change)
    }
    const news = (change: PeerChange): boolean =>
      !isStaleDiscoChange(change, this.#peers.get(change.NodeID))
    return { replaced, patches: patches.filter(news) }
  }

  #mergeUsers(message: MapResponse, parts: Set<NetmapPart>): void {
    if (message.UserProfiles === undefined || message.UserProfiles.length === 0) return
    parts.add('userProfiles')
    for (const profile of message.UserProfiles) this.#users.set(profile.ID, profile)
  }

  #mergeDerpMap(message: MapResponse, parts: Set<NetmapPart>): void {
    if (message.DERPMap === undefined) return
    parts.add('derpMap')
    const { HomeParams: params, ...next } = message.DERPMap
    const before = this.#derpMap
    // A region of null is not known; servers other than the official one send them.
    const entries = Object.entries(next.Regions ?? {}).filter(([, region]) => region !== null)
    const score = params?.RegionScore ?? before?.HomeParams?.RegionScore
    const HomeParams =
      params === undefined
        ? before?.HomeParams
        : { ...params, ...(score && { RegionScore: score }) }
    this.#derpMap = {
      ...(HomeParams && { HomeParams }),
      ...(next.Regions === null && before !== undefined
        ? { Regions: before.Regions, omitDefaultRegions: before.omitDefaultRegions }
        : {
            Regions: next.Regions && Object.fromEntries(entries),
            omitDefaultRegions: next.omitDefaultRegions,
          }),
    }
  }

  #mergeFilters(message: MapResponse, parts: Set<NetmapPart>): void {
    if (message.PacketFilter === undefined && message.PacketFilters === undefined) return
    parts.add('packetFilter')
    if (message.PacketFilter !== undefined) this.#filters.set('base', message.PacketFilter)
    this.#filters = mergeNamed(this.#filters, message.PacketFilters)
    const names = [...this.#filters.keys()].toSorted(compareUtf8)
    this.#rules = names.flatMap((name) => this.#filters.get(name) ?? [])
  }

  #mergeMessages(message: MapResponse, parts: Set<NetmapPart>): void {
    if (message.Health !== undefined) {
      parts.add('messages')
      this.#health = message.Health
    }
    if (message.DisplayMessages !== undefined) {
      parts.add('messages')
      this.#messages = mergeNamed(this.#messages, message.DisplayMessages)
    }
  }

  #mergeRest(message: MapResponse, parts: Set<NetmapPart>): void {
    if (message.DNSConfig !== undefined) {
      parts.add('dns')
      this.#dns = message.DNSConfig
    }
    if (message.SSHPolicy !== undefined) {
      parts.add('sshPolicy')
      this.#sshPolicy = message.SSHPolicy
    }
    if (message.Domain !== undefined && message.Domain !== '') {
      parts.add('domain')
      this.#domain = message.Domain
    }
    if (typeof message.CollectServices === 'boolean') {
      parts.add('collectServices')
      this.#collectServices = message.CollectServices
    }
    if (message.TKAInfo !== undefined) {
      parts.add('lock')
      const { Head = '', Disabled = false } = message.TKAInfo
      const head = Head === '' ? '' : headText(Head)
      this.#lock = { enabled: !Disabled && head !== undefined, head: head ?? '' }
    }
  }

  #checkSize(): void {
    for (const entries of [this.#peers, this.#users, this.#filters, this.#messages]) {
      if (entries.size > MAX_NETMAP_ENTRIES) {
        throw new ProtocolError('too-large', `Cannot merge map: over ${MAX_NETMAP_ENTRIES} entries`)
      }
    }
  }
}

/** Fields whose presence makes official clients work everything out again, even when they are empty. */
function needsRebuild(message: MapResponse): boolean {
  return (
    message.Node !== undefined ||
    message.DERPMap !== undefined ||
    message.DNSConfig !== undefined ||
    (message.Domain ?? '') !== '' ||
    message.CollectServices !== undefined ||
    message.Health !== undefined ||
    message.DisplayMessages !== undefined ||
    message.SSHPolicy !== undefined ||
    message.TKAInfo !== undefined ||
    (message.DomainDataPlaneAuditLogID ?? '') !== '' ||
    message.Debug !== undefined ||
    message.ControlDialPlan !== undefined ||
    message.ClientVersion !== undefined ||
    message.Peers !== undefined ||
    message.DefaultAutoUpdate !== undefined
  )
}

function mutationsOf(change: PeerChange): PeerMutation[] {
  const node = change.NodeID
  return [
    ...(change.DERPRegion ? [{ node, kind: 'DERPHome' } as const] : []),
    ...(change.Endpoints === undefined ? [] : [{ node, kind: 'Endpoints' } as const]),
    ...(change.Online === undefined ? [] : [{ node, kind: 'Online' } as const]),
    ...(change.LastSeen === undefined ? [] : [{ node, kind: 'LastSeen' } as const]),
  ]
}

/**
 * Servers of old list capabilities without arguments; so do newer ones by `null`, which means the
 * same as no arguments.
 */
function withCapMap(node: ControlNode): ControlNode {
  if (node.CapMap === undefined && node.Capabilities === undefined) return node
  const capMap: Record<string, readonly RawJson[]> = Object.create(null)
  for (const name of node.Capabilities ?? []) capMap[name] = []
  for (const [name, args] of Object.entries(node.CapMap ?? {})) capMap[name] = args ?? []
  return { ...node, CapMap: capMap }
}

/** A disco key that a peer told us itself may be newer than the one in a full list. */
function keepNewerDisco(node: ControlNode, known: ControlNode | undefined): ControlNode {
  if (known?.LastSeen === undefined || node.DiscoKey === undefined) return node
  if (known.DiscoKey === node.DiscoKey || node.Online === true) return node
  if (node.LastSeen !== undefined && isAfter(node.LastSeen, known.LastSeen)) return node
  return { ...node, DiscoKey: known.DiscoKey, LastSeen: known.LastSeen }
}

function idEntries(map: Readonly<Record<number, boolean>> | undefined): [number, boolean][] {
  return Object.entries(map ?? {}).map(([id, value]) => [Number(id), value])
}

/** `null` under `*` clears all names first; `null` under a name deletes it. */
function mergeNamed<T>(
  before: ReadonlyMap<string, T>,
  changes: Readonly<Record<string, T | null>> | undefined,
): Map<string, T> {
  const out = new Map(changes?.['*'] === null ? [] : before)
  for (const [name, value] of Object.entries(changes ?? {})) {
    if (name === '*') continue
    if (value === null) out.delete(name)
    else out.set(name, value)
  }
  return out
}

function headText(text: string): string | undefined {
  try {
    const hash = fromBase32(text)
    return hash.length === 32 ? toBase32(hash) : undefined
  } catch {
    return undefined
  }
}
