// SPDX-License-Identifier: Apache-2.0

/**
 * Routes that need no approval by hand, when the right node advertises them.
 *
 * @module
 */

import type { IpPrefix } from '@signet/protocol'
import { ControlError } from '../errors.ts'
import type { DirectoryNode } from './directory.ts'
import type { PolicyDocument } from './document.ts'
import type { Faults } from './faults.ts'
import { readSources } from './filters.ts'
import { contains, readPrefix } from './prefixes.ts'
import { isMeant } from './selectors.ts'
import type { Selector } from './selectors.ts'

/** Who may carry what. */
export interface AutoApprovers {
  readonly routes: readonly { readonly prefix: IpPrefix; readonly who: readonly Selector[] }[]
  readonly exitNode: readonly Selector[]
}

/** Checks the section of a policy. */
export function readAutoApprovers(document: PolicyDocument, faults: Faults): AutoApprovers {
  const { routes, exitNode } = document.autoApprovers
  return {
    routes: Object.entries(routes).flatMap(([text, who]) => {
      const at = ['autoApprovers', 'routes', text]
      const prefix = faults.try(at, () => {
        const found = readPrefix(text)
        if (found !== null) return found
        throw new ControlError('bad-policy', `${JSON.stringify(text)} is no network prefix`)
      })
      const selectors = readSources(document, who, at, faults)
      return prefix === undefined ? [] : [{ prefix, who: selectors }]
    }),
    exitNode: readSources(document, exitNode, ['autoApprovers', 'exitNode'], faults),
  }
}

/** Whether this node may carry this route without being asked. */
export function isAutoApproved(
  approvers: AutoApprovers,
  node: DirectoryNode,
  route: string,
): boolean {
  const prefix = readPrefix(route)
  if (prefix === null) return false
  if (prefix.bits === 0) return isMeant(approvers.exitNode, node)
  return approvers.routes.some(
    ({ prefix: allowed, who }) => contains(allowed, prefix) && isMeant(who, node),
  )
}
