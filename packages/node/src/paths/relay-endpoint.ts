// SPDX-License-Identifier: Apache-2.0

/**
 * The endpoint of a peer by way of relays: its node key and a word, `nodekey:...:relay`. Which relay that
 * is may change while the endpoint stays: it is the peer's home, wherever that is.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'

const MARK = ':relay'

/** Returns the endpoint of a peer by way of relays. */
export function relayEndpoint(peer: NodePublic): string {
  return peer + MARK
}

/** Says whether an endpoint is one by way of relays. */
export function isRelayEndpoint(endpoint: string): boolean {
  return endpoint.endsWith(MARK)
}

/** Returns the text of the node key in an endpoint by way of relays, or null when it is none. */
export function relayedPeer(endpoint: string): string | null {
  return isRelayEndpoint(endpoint) ? endpoint.slice(0, -MARK.length) : null
}
