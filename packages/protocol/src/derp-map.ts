// SPDX-License-Identifier: Apache-2.0

/**
 * The map of relay regions, and the relay's question whether a client may connect.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import { address, bool, float, int, text } from './codecs.ts'
import { nodeKey } from './key-codecs.ts'
import {
  always,
  type Codec,
  intMap,
  type IntMap,
  list,
  omitEmpty,
  pointer,
  struct,
} from './schema.ts'

/** One relay server. */
export interface DERPNode {
  readonly Name: string
  readonly RegionID: number
  readonly HostName: string
  /** Expected certificate name, or `sha256-raw:` and a pinned certificate hash. */
  readonly CertName?: string | undefined
  /** An address, or `none` to forbid the family. */
  readonly IPv4?: string | undefined
  readonly IPv6?: string | undefined
  /** 0 means 3478, -1 means no STUN. */
  readonly STUNPort?: number | undefined
  readonly STUNOnly?: boolean | undefined
  /** 0 means 443. */
  readonly DERPPort?: number | undefined
  readonly InsecureForTests?: boolean | undefined
  readonly STUNTestIP?: string | undefined
  readonly CanPort80?: boolean | undefined
}

/** Codec of {@link DERPNode}. */
export const derpNode: Codec<DERPNode> = struct<DERPNode>({
  Name: always(text),
  RegionID: always(int),
  HostName: always(text),
  CertName: omitEmpty(text),
  IPv4: omitEmpty(text),
  IPv6: omitEmpty(text),
  STUNPort: omitEmpty(int),
  STUNOnly: omitEmpty(bool),
  DERPPort: omitEmpty(int),
  InsecureForTests: omitEmpty(bool),
  STUNTestIP: omitEmpty(text),
  CanPort80: omitEmpty(bool),
})

/** One region of relays that are close to each other. */
export interface DERPRegion {
  readonly RegionID: number
  readonly RegionCode: string
  readonly RegionName: string
  readonly Latitude?: number | undefined
  readonly Longitude?: number | undefined
  readonly Avoid?: boolean | undefined
  readonly NoMeasureNoHome?: boolean | undefined
  readonly Nodes: readonly (DERPNode | null)[] | null
}

/** Codec of {@link DERPRegion}. */
export const derpRegion: Codec<DERPRegion> = struct<DERPRegion>({
  RegionID: always(int),
  RegionCode: always(text),
  RegionName: always(text),
  Latitude: omitEmpty(float),
  Longitude: omitEmpty(float),
  Avoid: omitEmpty(bool),
  NoMeasureNoHome: omitEmpty(bool),
  Nodes: always(list(pointer(derpNode))),
})

/** Weights for the choice of the home region. */
export interface DERPHomeParams {
  readonly RegionScore?: IntMap<number> | undefined
}

/** Codec of {@link DERPHomeParams}. An empty map resets the scores, so presence is kept. */
export const derpHomeParams: Codec<DERPHomeParams> = struct<DERPHomeParams>({
  RegionScore: omitEmpty(intMap(float)),
})

/** All relay regions. A `null` region in a delta removes the region. */
export interface DERPMap {
  readonly HomeParams?: DERPHomeParams | undefined
  readonly Regions: IntMap<DERPRegion | null> | null
  readonly omitDefaultRegions?: boolean | undefined
}

/** Codec of {@link DERPMap}. */
export const derpMap: Codec<DERPMap> = struct<DERPMap>({
  HomeParams: omitEmpty(pointer(derpHomeParams)),
  Regions: always(intMap(pointer(derpRegion))),
  omitDefaultRegions: omitEmpty(bool),
})

/** A relay asks whether a client may connect. */
export interface DERPAdmitClientRequest {
  readonly NodePublic: NodePublic
  readonly Source: string
}

/** Codec of {@link DERPAdmitClientRequest}. */
export const derpAdmitClientRequest: Codec<DERPAdmitClientRequest> = struct<DERPAdmitClientRequest>(
  {
    NodePublic: always(nodeKey),
    Source: always(address),
  },
)

/** The answer to a relay. */
export interface DERPAdmitClientResponse {
  readonly Allow: boolean
}

/** Codec of {@link DERPAdmitClientResponse}. */
export const derpAdmitClientResponse: Codec<DERPAdmitClientResponse> =
  struct<DERPAdmitClientResponse>({ Allow: always(bool) })
