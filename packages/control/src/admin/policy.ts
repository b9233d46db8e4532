// SPDX-License-Identifier: Apache-2.0

/**
 * The policy and the other settings that change while the server runs, for administrators.
 *
 * @module
 */

import { Hono } from 'hono'
import { z } from 'zod'
import type { AdminPolicy } from '@signet/protocol/admin-api'
import { NO_POLICY } from '../guidance/live.ts'
import { MAX_POLICY_BYTES } from '../limits.ts'
import { readPolicy } from '../policy/policy.ts'
import type { Policy } from '../policy/policy.ts'
import { readInput } from './input.ts'
import type { AdminServices } from './services.ts'

const input = z.strictObject({ policy: z.string() })
/** JSON may write one character as six. */
const MAX_BYTES = 6 * MAX_POLICY_BYTES

/** Routes under /policy. */
export function policyRoutes({ steering }: AdminServices): Hono {
  const app = new Hono()
  const answer = (policy: Policy | null): AdminPolicy => ({
    path: steering.policyPath(),
    policy: policy?.text ?? null,
    summary: summaryOf(policy),
  })
  app.get('/', (c) => c.json(answer(steering.settings.current().policy)))
  app.post('/check', async (c) => {
    const { policy } = await readInput(c, input, MAX_BYTES)
    return c.json(answer(readPolicy(policy)))
  })
  app.put('/', async (c) => {
    const { policy } = await readInput(c, input, MAX_BYTES)
    return c.json(answer(steering.setPolicy(policy)))
  })
  return app
}

/** What a policy amounts to, in a line. */
export function summaryOf(policy: Policy | null): string {
  if (policy === null) return NO_POLICY
  const { acls, grants, ssh, nodeAttrs, tests } = policy.counts
  if (acls + grants === 0) return 'no acls and no grants: no node may reach any other'
  return `${acls} acls, ${grants} grants, ${ssh} ssh rules, ${nodeAttrs} nodeAttrs, ${tests} tests passed`
}
