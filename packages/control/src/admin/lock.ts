// SPDX-License-Identifier: Apache-2.0

/**
 * The lock, for administrators: to look at, not to touch.
 *
 * @module
 */

import { Hono } from 'hono'
import { lockPublicCliText, lockPublicFromBytes } from '@signet/keys'
import type { AdminLock, AdminLockAck } from '@signet/protocol/admin-api'
import { aumHashText, keyId } from '@signet/tka'
import { ackOf } from '../lock/acks.ts'
import { noteOnKey } from '../lock/wrapper-keys.ts'
import { chainReport } from '../lock/chain-length.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { isoTime, tailnetOf } from './input.ts'
import type { AdminServices } from './services.ts'

/** An authority that ended. */
interface RetiredJson {
  readonly genesis: string
  readonly head: string
  readonly stateId: string
  readonly retiredAt: string | null
}

/** Routes under /lock. */
export function lockRoutes(services: AdminServices): Hono {
  const app = new Hono()
  app.get('/', (c) => c.json(lockJson(tailnetOf(c, services), services.clock.now())))
  app.get('/acks', (c) => c.json({ acks: acksJson(services, tailnetOf(c, services)) }))
  return app
}

function lockJson(
  tailnet: Tailnet,
  now: number,
): AdminLock & { readonly retired: readonly RetiredJson[] } {
  const { active, retired } = tailnet.lock
  return {
    enabled: active !== null,
    head: active?.headText ?? null,
    genesis: active === null ? null : aumHashText(active.row.genesis),
    stateId: active?.row.stateId ?? null,
    secrets: active?.authority.state.disablementValues?.length ?? 0,
    trustedKeys: (active?.authority.state.keys ?? []).map((key) => ({
      key: lockPublicCliText(lockPublicFromBytes(keyId(key))),
      votes: Number(key.votes),
      note: noteOnKey(tailnet, key, now),
    })),
    ...chainReport(active),
    retired: retired.map(({ row }) => ({
      genesis: aumHashText(row.genesis),
      head: aumHashText(row.head),
      stateId: row.stateId,
      retiredAt: row.retiredAt === null ? null : new Date(row.retiredAt).toISOString(),
    })),
  }
}

function acksJson(services: AdminServices, tailnet: Tailnet): readonly AdminLockAck[] {
  const { lock, sessions } = services.runtime(tailnet)
  return [...tailnet.nodes.values()].map((node) => {
    const { row } = node
    const { state, since, note } = ackOf(lock, node, sessions.lockRepeats(row.id))
    return {
      node: row.id,
      name: row.name,
      reportedHead: row.reportedHead === '' ? null : row.reportedHead,
      state,
      since: isoTime(since),
      note,
    }
  })
}
