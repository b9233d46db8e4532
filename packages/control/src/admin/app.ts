// SPDX-License-Identifier: Apache-2.0

/**
 * The admin API: users, nodes, pre-auth keys, and a look at the lock. It cannot change the lock: only keys on
 * nodes can.
 *
 * @module
 */

import { Hono } from 'hono'
import { z } from 'zod'
import { ControlError, httpStatus } from '../errors.ts'
import type { ControlErrorCode } from '../errors.ts'
import { readInput } from './input.ts'
import { keyRoutes } from './keys.ts'
import { lockRoutes } from './lock.ts'
import { loginRoutes } from './logins.ts'
import { nodeCallRoutes } from './node-calls.ts'
import { nodeRoutes } from './nodes.ts'
import { policyRoutes, summaryOf } from './policy.ts'
import { DEFAULT_TAILNET } from '../tailnet/tailnets.ts'
import type { AdminServices } from './services.ts'
import { userRoutes } from './users.ts'

const backupInput = z.strictObject({ directory: z.string().min(1).max(4_096) })

/** Builds the API. */
export function adminApp(services: AdminServices): Hono {
  const app = new Hono()
  app.route('/api/v1/users', userRoutes(services))
  app.route('/api/v1/nodes', nodeRoutes(services))
  app.route('/api/v1/logins', loginRoutes(services))
  app.route('/api/v1/nodes', nodeCallRoutes(services))
  app.route('/api/v1/keys', keyRoutes(services))
  app.route('/api/v1/lock', lockRoutes(services))
  app.route('/api/v1/policy', policyRoutes(services))
  app.post('/api/v1/reload', (c) => {
    services.reload()
    return c.json({ policy: summaryOf(services.steering.settings.current().policy) })
  })
  app.post('/api/v1/backup', async (c) => {
    const { directory } = await readInput(c, backupInput)
    return c.json({ files: await services.backUp(directory) })
  })
  app.get('/api/v1/relay', (c) => c.json(services.relay()))
  app.get('/api/v1/certificate', (c) => c.json(services.certificate()))
  app.get('/api/v1/info', (c) =>
    c.json({
      version: services.version,
      url: services.url(),
      publicKey: services.publicKey,
      tailnet: services.tailnets.byName(c.req.query('tailnet') ?? DEFAULT_TAILNET).row.name,
    }),
  )
  app.notFound((c) => c.json(errorBody('not-found', `No such path: ${c.req.path}`), 404))
  app.onError((error, c) => {
    if (error instanceof ControlError) {
      return Response.json(errorBody(error.code, error.message), {
        status: httpStatus[error.code],
      })
    }
    services.logger.error({ err: error, path: c.req.path }, 'admin request failed')
    return Response.json(
      { error: { code: 'internal', message: 'Internal error' } },
      { status: 500 },
    )
  })
  return app
}

function errorBody(
  code: ControlErrorCode,
  message: string,
): { error: { code: string; message: string } } {
  return { error: { code, message } }
}
