// SPDX-License-Identifier: Apache-2.0

/**
 * How the relay is doing, for administrators.
 *
 * @module
 */

import type { AdminRelay } from '@signet/protocol/admin-api'
import type { MapSourceStatus } from './map-sources.ts'
import type { MeshStatus } from './mesh.ts'
import type { RelayServer } from './relay-server.ts'
import type { StunServer } from './stun-server.ts'

/** What there is to tell about. */
export interface RelayParts {
  readonly server: RelayServer | undefined
  readonly stun: StunServer | undefined
  /** The region in which nodes find this server; null if they are not told of it. */
  readonly region: number | null
  readonly mesh: readonly MeshStatus[]
  readonly maps: readonly MapSourceStatus[]
}

/** Returns what the admin API says. */
export function relayStatus({ server, stun, region, mesh, maps }: RelayParts): AdminRelay {
  const counters = server?.relay.counters
  return {
    enabled: server !== undefined,
    region,
    publicKey: server?.relay.publicKey ?? null,
    stunPort: stun?.port ?? null,
    stunAnswered: stun?.answered ?? 0,
    clients: server?.relay.size ?? 0,
    clientsElsewhere: server?.relay.remoteSize ?? 0,
    strangers: server?.strangers ?? 0,
    packets: counters?.packets ?? 0,
    bytes: counters?.bytes ?? 0,
    forwarded: counters?.forwarded ?? 0,
    fromMesh: counters?.fromMesh ?? 0,
    dropped: [
      { reason: 'queue-full', count: counters?.droppedQueueFull ?? 0 },
      { reason: 'unknown-destination', count: counters?.droppedUnknown ?? 0 },
      { reason: 'receiver-gone', count: counters?.droppedGone ?? 0 },
    ],
    refused: [...(server?.refused ?? [])].map(([reason, count]) => ({ reason, count })),
    mesh,
    maps: maps.map(({ source, regions, goodAt, problem }) => ({
      source,
      regions,
      goodAt: goodAt === null ? null : new Date(goodAt).toISOString(),
      problem,
    })),
  }
}
