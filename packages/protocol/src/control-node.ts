// SPDX-License-Identifier: Apache-2.0

/**
 * A node in the network map, and changes to one.
 *
 * @module
 */

import type { DiscoPublic, MachinePublic, NodePublic } from '@signet/keys'
import { address, addressPort, bool, bytes, int, prefix, text, time } from './codecs.ts'
import { type Resolver, resolver } from './dns.ts'
import { type CapMap, capMap } from './filter-rule.ts'
import { type Hostinfo, hostinfo } from './hostinfo.ts'
import { discoKey, machineKey, nodeKey } from './key-codecs.ts'
import { always, type Codec, list, omitEmpty, omitZero, pointer, struct } from './schema.ts'
import type { WireTime } from './wire-time.ts'

/** A node as the control server describes it. Nothing in it is trustworthy by itself. */
export interface ControlNode {
  readonly ID: number
  readonly StableID: string
  /** Full domain name with a dot at the end. */
  readonly Name: string
  readonly User: number
  readonly Sharer?: number | undefined
  readonly Key: NodePublic
  readonly KeyExpiry?: WireTime | undefined
  /** The lock's signature of `Key`. */
  readonly KeySignature?: Uint8Array | undefined
  readonly Machine?: MachinePublic | undefined
  readonly DiscoKey?: DiscoPublic | undefined
  readonly Addresses: readonly string[] | null
  /** Absent means the same as Addresses; an empty list means none. */
  readonly AllowedIPs?: readonly string[] | undefined
  readonly Endpoints?: readonly string[] | undefined
  /** The home region in its old form, `127.3.3.40:` and the region. */
  readonly DERP?: string | undefined
  readonly HomeDERP?: number | undefined
  readonly Hostinfo?: Hostinfo | undefined
  readonly Created?: WireTime | undefined
  readonly Cap?: number | undefined
  readonly Tags?: readonly string[] | undefined
  readonly PrimaryRoutes?: readonly string[] | undefined
  readonly LastSeen?: WireTime | undefined
  readonly Online?: boolean | undefined
  readonly MachineAuthorized?: boolean | undefined
  readonly Capabilities?: readonly string[] | undefined
  readonly CapMap?: CapMap | undefined
  readonly UnsignedPeerAPIOnly?: boolean | undefined
  readonly ComputedName?: string | undefined
  readonly ComputedNameWithHost?: string | undefined
  readonly DataPlaneAuditLogID?: string | undefined
  readonly Expired?: boolean | undefined
  readonly SelfNodeV4MasqAddrForThisPeer?: string | undefined
  readonly SelfNodeV6MasqAddrForThisPeer?: string | undefined
  readonly IsWireGuardOnly?: boolean | undefined
  readonly IsJailed?: boolean | undefined
  readonly ExitNodeDNSResolvers?: readonly (Resolver | null)[] | undefined
}

// Inside a node `null` host information counts as present and empty.
const hostinfoView: Codec<Hostinfo> = {
  ...hostinfo,
  nulls: 'value',
  decode: (reader, previous) => (reader.tryNull() ? {} : hostinfo.decode(reader, previous)),
  isZero: () => false,
}

/** Codec of {@link ControlNode}. */
export const controlNode: Codec<ControlNode> = struct<ControlNode>({
  ID: always(int),
  StableID: always(text),
  Name: always(text),
  User: always(int),
  Sharer: omitZero(int),
  Key: always(nodeKey),
  KeyExpiry: omitZero(time),
  KeySignature: omitEmpty(bytes),
  Machine: omitZero(machineKey),
  DiscoKey: omitZero(discoKey),
  Addresses: always(list(prefix)),
  AllowedIPs: omitZero(list(prefix)),
  Endpoints: omitEmpty(list(addressPort)),
  DERP: omitZero(text),
  HomeDERP: omitZero(int),
  Hostinfo: omitZero(hostinfoView),
  Created: omitZero(time),
  Cap: omitZero(int),
  Tags: omitEmpty(list(text)),
  PrimaryRoutes: omitEmpty(list(prefix)),
  LastSeen: omitEmpty(pointer(time)),
  Online: omitEmpty(pointer(bool)),
  MachineAuthorized: omitEmpty(bool),
  Capabilities: omitEmpty(list(text)),
  CapMap: omitEmpty(capMap),
  UnsignedPeerAPIOnly: omitZero(bool),
  ComputedName: omitZero(text),
  ComputedNameWithHost: omitZero(text),
  DataPlaneAuditLogID: omitZero(text),
  Expired: omitZero(bool),
  SelfNodeV4MasqAddrForThisPeer: omitZero(pointer(address)),
  SelfNodeV6MasqAddrForThisPeer: omitZero(pointer(address)),
  IsWireGuardOnly: omitZero(bool),
  IsJailed: omitZero(bool),
  ExitNodeDNSResolvers: omitEmpty(list(pointer(resolver))),
})

/** What changed of one peer. Absent members are unchanged. */
export interface PeerChange {
  readonly NodeID: number
  readonly DERPRegion?: number | undefined
  readonly Cap?: number | undefined
  readonly CapMap?: CapMap | undefined
  readonly Endpoints?: readonly string[] | undefined
  readonly Key?: NodePublic | undefined
  readonly KeySignature?: Uint8Array | undefined
  readonly DiscoKey?: DiscoPublic | undefined
  readonly Online?: boolean | undefined
  readonly LastSeen?: WireTime | undefined
  /** "No time" clears the expiry. */
  readonly KeyExpiry?: WireTime | undefined
}

/** Codec of {@link PeerChange}. */
export const peerChange: Codec<PeerChange> = struct<PeerChange>({
  NodeID: always(int),
  DERPRegion: omitZero(int),
  Cap: omitZero(int),
  CapMap: omitEmpty(capMap),
  Endpoints: omitEmpty(list(addressPort)),
  Key: omitZero(nodeKey),
  KeySignature: omitEmpty(bytes),
  DiscoKey: omitZero(discoKey),
  Online: omitZero(pointer(bool)),
  LastSeen: omitZero(time),
  KeyExpiry: omitZero(time),
})
