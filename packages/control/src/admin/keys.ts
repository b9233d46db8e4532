// SPDX-License-Identifier: Apache-2.0

/**
 * Pre-auth keys, for administrators.
 *
 * @module
 */

import { Hono } from 'hono'
import { z } from 'zod'
import type { NewPreAuthKey, PreAuthKey } from '@signet/protocol/admin-api'
import type { PreAuthKeyRow } from '../store/rows.ts'
import { createPreAuthKey, revokePreAuthKey } from '../tailnet/pre-auth-keys.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { defaultUser, findUser } from '../tailnet/users.ts'
import { sortedSet } from '../tailnet/lists.ts'
import { isoTime, readInput, tags, tailnetOf, userName } from './input.ts'
import type { AdminServices } from './services.ts'

const HOUR_S = 3_600
const MAX_EXPIRY_S = 10 * 365 * 24 * HOUR_S

const newKey = z.strictObject({
  user: userName.optional(),
  reusable: z.boolean().default(false),
  ephemeral: z.boolean().default(false),
  preApproved: z.boolean().default(false),
  tags: tags.default([]),
  /** Seconds; a key that is good for ever is asked for in years. */
  expiry: z.number().int().positive().max(MAX_EXPIRY_S).default(HOUR_S),
})

/** Routes under /keys. */
export function keyRoutes(services: AdminServices): Hono {
  const app = new Hono()
  app.get('/', (c) => {
    const tailnet = tailnetOf(c, services)
    return c.json({ keys: [...tailnet.preAuthKeys.values()].map((row) => keyJson(tailnet, row)) })
  })
  app.post('/', async (c) => {
    const input = await readInput(c, newKey)
    const tailnet = tailnetOf(c, services)
    const now = services.clock.now()
    const user =
      input.user === undefined ? defaultUser(tailnet, now) : findUser(tailnet, input.user)
    const { text, row } = createPreAuthKey(
      tailnet,
      {
        user,
        reusable: input.reusable,
        ephemeral: input.ephemeral,
        preApproved: input.preApproved,
        tags: sortedSet(input.tags),
        expiresAt: now + input.expiry * 1_000,
      },
      now,
    )
    const answer: NewPreAuthKey = { key: text, ...keyJson(tailnet, row) }
    return c.json(answer)
  })
  app.delete('/:id', (c) => {
    const tailnet = tailnetOf(c, services)
    const row = revokePreAuthKey(tailnet, c.req.param('id'), services.clock.now())
    return c.json(keyJson(tailnet, row))
  })
  return app
}

function keyJson(tailnet: Tailnet, row: PreAuthKeyRow): PreAuthKey {
  return {
    id: row.id,
    user: tailnet.users.get(row.userId)?.name ?? null,
    reusable: row.reusable,
    ephemeral: row.ephemeral,
    tags: row.tags,
    preApproved: row.preApproved,
    createdAt: new Date(row.createdAt).toISOString(),
    expiresAt: isoTime(row.expiresAt),
    usedAt: isoTime(row.usedAt),
    revokedAt: isoTime(row.revokedAt),
  }
}
