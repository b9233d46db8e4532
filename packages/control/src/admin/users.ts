// SPDX-License-Identifier: Apache-2.0

/**
 * Users, for administrators.
 *
 * @module
 */

import { Hono } from 'hono'
import { z } from 'zod'
import type { AdminUser } from '@signet/protocol/admin-api'
import type { UserRow } from '../store/rows.ts'
import { addUser, changeUser, findUser, removeUser } from '../tailnet/users.ts'
import { readInput, role, tailnetOf, userName } from './input.ts'
import type { AdminServices } from './services.ts'

const newUser = z.strictObject({ name: userName, role: role.optional() })
const userChange = z.strictObject({ name: userName.optional(), role: role.optional() })

/** Routes under /users. */
export function userRoutes(services: AdminServices): Hono {
  const app = new Hono()
  app.get('/', (c) => c.json({ users: [...tailnetOf(c, services).users.values()].map(userJson) }))
  app.post('/', async (c) => {
    const input = await readInput(c, newUser)
    const tailnet = tailnetOf(c, services)
    return c.json(userJson(addUser(tailnet, input.name, input.role, services.clock.now())))
  })
  app.patch('/:name', async (c) => {
    const input = await readInput(c, userChange)
    const tailnet = tailnetOf(c, services)
    return c.json(userJson(changeUser(tailnet, findUser(tailnet, c.req.param('name')), input)))
  })
  app.delete('/:name', (c) => {
    const tailnet = tailnetOf(c, services)
    const user = findUser(tailnet, c.req.param('name'))
    removeUser(tailnet, user)
    return c.json(userJson(user))
  })
  return app
}

function userJson(row: UserRow): AdminUser {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    createdAt: new Date(row.createdAt).toISOString(),
  }
}
