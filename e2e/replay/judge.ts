// SPDX-License-Identifier: Apache-2.0

/**
 * Holds the differences of a replay against the written list, and notes which entries were needed.
 *
 * @module
 */

import { allowed } from './allowed.ts'
import type { Finding, Judge } from './replay.ts'
import type { Json } from './transcript.ts'

/** The list at work. */
export interface Ledger {
  /** A judge for one run: what stands for what begins anew with it. */
  forRun(): Judge
  /** How often each entry was needed, in the order of the list. */
  counts(): readonly { readonly why: string; readonly path: string; readonly count: number }[]
  /** Requests that were not sent, by the reason. */
  readonly withheld: ReadonlyMap<string, number>
}

/** Makes a ledger. */
export function createLedger(): Ledger {
  const used = allowed.map(() => 0)
  const withheld = new Map<string, number>()
  return {
    withheld,
    forRun() {
      const isOneToOne = createSubstitutions()
      return {
        allows(finding: Finding): boolean {
          const index = allowed.findIndex(
            ({ path, when }) =>
              path.test(finding.path) && (when?.(finding, { isOneToOne }) ?? true),
          )
          if (index === -1) return false
          used[index] = (used[index] ?? 0) + 1
          return true
        },
        withhold(reason) {
          withheld.set(reason, (withheld.get(reason) ?? 0) + 1)
        },
      }
    },
    counts: () =>
      allowed.map(({ why, path }, index) => ({ why, path: path.source, count: used[index] ?? 0 })),
  }
}

/** Remembers pairs: a value of one side always stands for the same value of the other. */
function createSubstitutions() {
  const forward = new Map<string, Json>()
  const backward = new Map<string, Json>()
  return (kind: string, recorded: Json | undefined, live: Json | undefined): boolean => {
    if (recorded === undefined || live === undefined) return false
    const from = `${kind} ${JSON.stringify(recorded)}`
    const to = `${kind} ${JSON.stringify(live)}`
    if (!forward.has(from) && !backward.has(to)) {
      forward.set(from, live)
      backward.set(to, recorded)
    }
    return forward.get(from) === live && backward.get(to) === recorded
  }
}
