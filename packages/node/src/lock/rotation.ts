// SPDX-License-Identifier: Apache-2.0

/**
 * Rotations over time. What the rotations of one map say about each other is counted by the
 * authority's package; here is what this node has seen before, so that a server cannot take it back
 * by leaving out the newer signature.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import type { RefusalReason } from './refusal.ts'
import type { RotationMemory, SeenRotation } from './rotation-memory.ts'

/**
 * Learns the valid rotations of a map, and returns what past and present say of a node key that the
 * map alone would let in. What was learnt is on disk before anybody is let in because of it.
 */
export function rememberRotations(
  memory: RotationMemory,
  rotations: readonly SeenRotation[],
): (nodeKey: NodePublic) => RefusalReason | undefined {
  memory.learn(rotations)
  const chains = new Map(rotations.map((rotation) => [rotation.nodeKey, rotation]))
  return (nodeKey) => {
    if (memory.replacedBy(nodeKey) !== undefined) return 'replaced-key'
    const chain = chains.get(nodeKey)
    // Nodes that joined with one wrapped auth key share a root and are different nodes: no root.
    if (chain === undefined || chain.root === '') return undefined
    return chain.replaced.length < memory.longest(chain.root) ? 'older-rotation' : undefined
  }
}
