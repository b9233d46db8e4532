// SPDX-License-Identifier: Apache-2.0

/**
 * Questions of the server to a node, inside the map stream, and their answers.
 *
 * @module
 */

import { address, bool, bytes, float, int, text, uint16 } from './codecs.ts'
import { always, type Codec, omitEmpty, omitZero, struct } from './schema.ts'

/** The server asks the node to ping a peer, to fetch a URL or to answer an HTTP request. */
export interface PingRequest {
  readonly URL: string
  readonly URLIsNoise?: boolean | undefined
  readonly Log?: boolean | undefined
  /** "", `c2n`, or a comma-separated list of `disco`, `TSMP`, `ICMP`, `peerapi`. */
  readonly Types?: string | undefined
  readonly IP?: string | undefined
  /** An HTTP request as bytes, for `c2n`. */
  readonly Payload?: Uint8Array | undefined
}

/** Codec of {@link PingRequest}. */
export const pingRequest: Codec<PingRequest> = struct<PingRequest>({
  URL: always(text),
  URLIsNoise: omitZero(bool),
  Log: omitZero(bool),
  Types: omitZero(text),
  IP: omitZero(address),
  Payload: omitEmpty(bytes),
})

/** What a ping found. */
export interface PingResponse {
  readonly Type: string
  readonly IP?: string | undefined
  readonly NodeIP?: string | undefined
  readonly NodeName?: string | undefined
  readonly Err?: string | undefined
  readonly LatencySeconds?: number | undefined
  readonly Endpoint?: string | undefined
  readonly PeerRelay?: string | undefined
  readonly DERPRegionID?: number | undefined
  readonly DERPRegionCode?: string | undefined
  readonly PeerAPIPort?: number | undefined
  readonly IsLocalIP?: boolean | undefined
}

/** Codec of {@link PingResponse}. */
export const pingResponse: Codec<PingResponse> = struct<PingResponse>({
  Type: always(text),
  IP: omitEmpty(text),
  NodeIP: omitEmpty(text),
  NodeName: omitEmpty(text),
  Err: omitEmpty(text),
  LatencySeconds: omitEmpty(float),
  Endpoint: omitEmpty(text),
  PeerRelay: omitEmpty(text),
  DERPRegionID: omitEmpty(int),
  DERPRegionCode: omitEmpty(text),
  PeerAPIPort: omitEmpty(uint16),
  IsLocalIP: omitEmpty(bool),
})
