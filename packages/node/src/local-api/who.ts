// SPDX-License-Identifier: Apache-2.0

/**
 * Which node an address or a key belongs to.
 *
 * @module
 */

import type { ControlNode } from '@signet/protocol'
import type { Netmap } from '../control/netmap.ts'
import { addressesOf } from './status.ts'

/** True for the text of a node key. */
export function isNodeKeyText(text: string): boolean {
  return text.startsWith('nodekey:')
}

/** Finds a node, this one or a peer, by address (a port is ignored) or by node key. */
export function findNode(netmap: Netmap, text: string): ControlNode | null {
  const nodes = netmap.self ? [netmap.self, ...netmap.peers] : netmap.peers
  const address = withoutPort(text)
  const isWanted = isNodeKeyText(text)
    ? (node: ControlNode) => node.Key === text
    : (node: ControlNode) => addressesOf(node).includes(address)
  return nodes.find(isWanted) ?? null
}

function withoutPort(text: string): string {
  const bracketed = /^\[(.+)\](?::\d+)?$/.exec(text)
  if (bracketed?.[1] !== undefined) return bracketed[1]
  return /^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text
}
