// SPDX-License-Identifier: Apache-2.0

/**
 * What of a peer the gate's judgement depends on, what the tunnel is shown of it, and whether either
 * is the same in two maps. The types keep the gate honest: it cannot look at a field that is not
 * compared here.
 *
 * @module
 */

import type { ControlNode } from '@signet/protocol'

/** All that decides whether a peer is let in; the rest of the map may change without a new judgement. */
export type JudgedNode = Pick<ControlNode, 'Key' | 'KeySignature' | 'Expired'>

/** All that an admitted peer is made from; its key is what it is found by. */
export type ShownNode = Pick<
  ControlNode,
  | 'ID'
  | 'StableID'
  | 'Name'
  | 'Key'
  | 'DiscoKey'
  | 'Addresses'
  | 'AllowedIPs'
  | 'Endpoints'
  | 'HomeDERP'
  | 'UnsignedPeerAPIOnly'
>

/** Says whether a judgement of one is a judgement of the other. Nodes are never changed in place. */
export function isJudgedAlike(a: JudgedNode, b: JudgedNode): boolean {
  return (
    a === b ||
    (a.Key === b.Key && a.Expired === b.Expired && isSameSignature(a.KeySignature, b.KeySignature))
  )
}

/** Says whether the tunnel would see no difference between two nodes of one key. */
export function isShownAlike(a: ShownNode, b: ShownNode): boolean {
  return (
    a === b ||
    (a.ID === b.ID &&
      a.StableID === b.StableID &&
      a.Name === b.Name &&
      a.DiscoKey === b.DiscoKey &&
      a.HomeDERP === b.HomeDERP &&
      a.UnsignedPeerAPIOnly === b.UnsignedPeerAPIOnly &&
      isSameList(a.Addresses, b.Addresses) &&
      isSameList(a.AllowedIPs, b.AllowedIPs) &&
      isSameList(a.Endpoints, b.Endpoints))
  )
}

/** Each compared once, each with its own place: ten thousand of them take a millisecond. */
function isSameSignature(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0
}

type List = readonly string[] | null | undefined

function isSameList(a: List, b: List): boolean {
  if (a === b) return true
  if (!a || !b || a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}
