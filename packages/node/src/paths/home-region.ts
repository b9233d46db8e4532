// SPDX-License-Identifier: Apache-2.0

/**
 * The choice of the region where others find this node: the one whose relay takes a connection first.
 *
 * A connection is what a relay is used by, so it also tells where UDP is not let through. Regions that
 * the map says to avoid are taken when there are no others, and among equals the lowest number wins.
 *
 * @module
 */

import type { DERPMap, DERPRegion } from '@signet/protocol'
import type { Clock } from '../clock.ts'
import { relayTargets, type RelayDialer } from './relay-dial.ts'
import { MAX_MEASURED, MEASURE_MS } from './relay-limits.ts'

/** Returns the regions that have a relay to connect to, by number. */
export function usableRegions(map: DERPMap | undefined): ReadonlyMap<number, DERPRegion> {
  const usable = new Map<number, DERPRegion>()
  for (const region of Object.values(map?.Regions ?? {})) {
    if (region === null || region.RegionID <= 0) continue
    if (relayTargets(region).length > 0) usable.set(region.RegionID, region)
  }
  return usable
}

/** Returns the regions that may be a home, in the order of their numbers. */
export function homeCandidates(usable: ReadonlyMap<number, DERPRegion>): readonly DERPRegion[] {
  const all = [...usable.values()].toSorted((a, b) => a.RegionID - b.RegionID)
  const wanted = all.filter((region) => region.Avoid !== true && region.NoMeasureNoHome !== true)
  return (wanted.length > 0 ? wanted : all).slice(0, MAX_MEASURED)
}

/** Connects to each region; calls back once with the best, 0 if none answers. */
export function measureHome(
  candidates: readonly DERPRegion[],
  scores: Readonly<Record<string, number>>,
  { dialer, clock }: { readonly dialer: RelayDialer; readonly clock: Clock },
  found: (region: number) => void,
): () => void {
  const begun = clock.now()
  const latencies = new Map<number, number>()
  const finish = (): void => {
    stop()
    let best = 0
    for (const [id, latency] of [...latencies].toSorted(([a], [b]) => a - b)) {
      if (latency < (latencies.get(best) ?? Number.POSITIVE_INFINITY)) best = id
    }
    found(best)
  }
  const cancel = clock.schedule(MEASURE_MS, finish)
  const knocks = candidates.flatMap((region) => {
    const id = region.RegionID
    return relayTargets(region)
      .slice(0, 1)
      .map((target) =>
        dialer.knock(target, () => {
          const score = scores[id] ?? 1
          latencies.set(id, (clock.now() - begun) * (score > 0 ? score : 1))
          if (latencies.size === candidates.length) finish()
        }),
      )
  })
  const stop = (): void => {
    cancel()
    for (const knock of knocks) knock.cancel()
  }
  return stop
}
