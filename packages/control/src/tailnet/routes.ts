// SPDX-License-Identifier: Apache-2.0

/**
 * The routes that a node carries: those that it advertises and that were approved.
 *
 * @module
 */

import type { NodeRow } from '../store/rows.ts'
import { advertisedRoutes, parseHostinfo } from './hostinfo.ts'

const NONE: readonly string[] = []

/** Advertised and approved, in the order of the approvals. */
export function approvedOf(row: Pick<NodeRow, 'approvedRoutes' | 'hostinfo'>): readonly string[] {
  if (row.approvedRoutes.length === 0) return NONE
  const offered = advertisedRoutes(parseHostinfo(row.hostinfo))
  return row.approvedRoutes.filter((route) => offered.includes(route))
}

/** Everything beyond the tailnet. */
export function isExitRoute(route: string): boolean {
  return route === '0.0.0.0/0' || route === '::/0'
}
