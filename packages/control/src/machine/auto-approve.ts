// SPDX-License-Identifier: Apache-2.0

/**
 * Routes that the policy approves when a node starts to advertise them. One that it advertised before is left
 * as it is: an administrator may have taken the approval back.
 *
 * @module
 */

import { directoryNode } from '../policy/directory.ts'
import type { NodeRow } from '../store/rows.ts'
import { advertisedRoutes, parseHostinfo } from '../tailnet/hostinfo.ts'
import { sortedSet } from '../tailnet/lists.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { MachineServices } from './services.ts'

/** Returns the row with what is approved by itself. */
export function withAutoApproved(
  { settings }: Pick<MachineServices, 'settings'>,
  tailnet: Tailnet,
  before: NodeRow | null,
  row: NodeRow,
): NodeRow {
  const { policy } = settings.current()
  if (policy === null || row.hostinfo === before?.hostinfo) return row
  const known = before === null ? [] : advertisedRoutes(parseHostinfo(before.hostinfo))
  const fresh = advertisedRoutes(parseHostinfo(row.hostinfo)).filter(
    (route) => !known.includes(route) && !row.approvedRoutes.includes(route),
  )
  if (fresh.length === 0) return row
  const node = directoryNode(tailnet, row)
  const approved = fresh.filter((route) => policy.approves(node, route))
  if (approved.length === 0) return row
  return { ...row, approvedRoutes: sortedSet([...row.approvedRoutes, ...approved]) }
}
