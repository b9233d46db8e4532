// SPDX-License-Identifier: Apache-2.0

/**
 * Who may use the relay: the nodes of this server whose keys are good, and a new key whose node waits for it to be
 * approved, so that it is not cut off while a person decides.
 *
 * @module
 */

import { isZeroNodePublic } from '@signet/keys'
import type { NodePublic } from '@signet/keys'
import type { Clock } from '../clock.ts'
import { isExpired } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { Tailnets } from '../tailnet/tailnets.ts'
import { REPLACED_KEY_GRACE_MS } from './limits.ts'

/** Says whether a node of ours waits for this key to be approved as its next one. */
export type ExpectsKey = (key: NodePublic) => boolean

/** The rule, and what it remembers of keys that are connected. */
export interface Admission {
  /** Why a key may not come in; undefined if it may. */
  refusal(key: NodePublic): string | undefined
  /**
   * Looks again at keys that came in. One that its node has replaced may stay for a while, in which the node
   * connects with the new one; one that expired, or whose node is gone, may not.
   */
  recheck(visit: (mayStay: (key: NodePublic) => boolean) => void): void
}

/** Whose key it was when it came in. */
interface Owner {
  readonly tailnet: Tailnet
  readonly node: number
}

/** Returns the rule. */
export function createAdmission(options: {
  readonly tailnets: Tailnets
  readonly clock: Clock
  readonly expectsKey?: ExpectsKey | undefined
}): Admission {
  const { tailnets, clock, expectsKey = () => false } = options
  let owners = new Map<NodePublic, Owner>()
  let replacedAt = new Map<NodePublic, number>()

  function refusal(key: NodePublic): string | undefined {
    if (isZeroNodePublic(key)) return 'the key is all zeros'
    const found = tailnets.findNode(key)
    if (found === undefined) {
      return expectsKey(key) ? undefined : 'not the key of a node of this server'
    }
    const { row } = found.node
    if (isExpired(row, clock.now())) return 'the key of this node has expired'
    owners.set(key, { tailnet: found.tailnet, node: row.id })
    return undefined
  }

  return {
    refusal,
    recheck(visit) {
      const known = owners
      const replaced = replacedAt
      // What is not visited is not connected any more.
      owners = new Map()
      replacedAt = new Map()
      const now = clock.now()
      visit((key) => {
        if (refusal(key) === undefined) return true
        const owner = known.get(key)
        const row = owner?.tailnet.nodes.get(owner.node)?.row
        if (owner === undefined || row === undefined || row.nodeKey === key) return false
        const since = replaced.get(key) ?? now
        if (now - since >= REPLACED_KEY_GRACE_MS) return false
        owners.set(key, owner)
        replacedAt.set(key, since)
        return true
      })
    },
  }
}
