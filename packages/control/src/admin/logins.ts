// SPDX-License-Identifier: Apache-2.0

/**
 * Interactive logins, for administrators: who waits, and the decision. It is made here and nowhere else: the page
 * that the machine's user sees can approve nothing.
 *
 * @module
 */

import { setImmediate as turn } from 'node:timers/promises'
import { Hono } from 'hono'
import { z } from 'zod'
import type { AdminLogin } from '@signet/protocol/admin-api'
import { ControlError } from '../errors.ts'
import type { Login } from '../login/logins.ts'
import { sortedSet } from '../tailnet/lists.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { findUser } from '../tailnet/users.ts'
import { readInput, tags, tailnetOf, userName } from './input.ts'
import { nodeJson } from './nodes.ts'
import type { AdminServices } from './services.ts'

const approval = z.strictObject({
  user: userName.optional(),
  tags: tags.optional(),
  ephemeral: z.boolean().default(false),
})

/** Routes under /logins. */
export function loginRoutes(services: AdminServices): Hono {
  const { logins, logger } = services
  const app = new Hono()
  app.get('/', (c) => {
    const tailnet = tailnetOf(c, services)
    const visible = logins.all().filter((login) => isOf(login, tailnet))
    return c.json({ logins: visible.map((login) => loginJson(services, tailnet, login)) })
  })
  app.post('/:id/approve', async (c) => {
    const input = await readInput(c, approval)
    const tailnet = tailnetOf(c, services)
    const login = findLogin(services, tailnet, c.req.param('id'))
    requireWaiting(login)
    if (input.user === undefined && input.tags === undefined) requireOwner(tailnet, login)
    logins.decide(login, {
      kind: 'approved',
      approval: {
        tailnet,
        user: input.user === undefined ? null : findUser(tailnet, input.user),
        tags: input.tags === undefined ? null : sortedSet(input.tags),
        ephemeral: input.ephemeral,
      },
    })
    logger.info({ login: login.id.slice(0, 8), machine: login.machineKey }, 'login approved')
    // A machine that waits comes in before the next turn of the event loop.
    await turn()
    if (login.problem !== '') {
      throw new ControlError('conflict', `Approved, but it could not come in: ${login.problem}`)
    }
    return c.json(loginJson(services, tailnet, login))
  })
  app.post('/:id/deny', (c) => {
    const tailnet = tailnetOf(c, services)
    const login = findLogin(services, tailnet, c.req.param('id'))
    // An approval that the machine has not fetched can be taken back.
    if (login.state.kind !== 'approved') requireWaiting(login)
    logins.decide(login, { kind: 'denied' })
    logger.info({ login: login.id.slice(0, 8), machine: login.machineKey }, 'login denied')
    return c.json(loginJson(services, tailnet, login))
  })
  return app
}

/** A login that names no tailnet can be let into any. */
function isOf({ request }: Login, tailnet: Tailnet): boolean {
  return request.tailnet === null || request.tailnet === tailnet
}

function findLogin({ logins }: AdminServices, tailnet: Tailnet, id: string): Login {
  const login = logins.byId(id)
  if (login !== undefined && isOf(login, tailnet)) return login
  throw new ControlError('not-found', 'No such login: it was decided long ago, or never asked for')
}

function requireWaiting({ state }: Login): void {
  if (state.kind === 'waiting') return
  const how = { approved: 'approved', joined: 'approved', denied: 'denied' }[state.kind]
  throw new ControlError('conflict', `This login has been ${how} already`)
}

/** Whose node it becomes is never guessed: the user decides what the node may do. */
function requireOwner(tailnet: Tailnet, { request, machineKey }: Login): void {
  const isKnown =
    (request.node !== null && tailnet.nodes.has(request.node)) ||
    tailnet.nodesOfMachine(machineKey).length === 1
  if (isKnown || tailnet.users.size <= 1) return
  throw new ControlError('bad-request', 'Say whose node it becomes: this tailnet has several users')
}

function loginJson({ logins }: AdminServices, tailnet: Tailnet, login: Login): AdminLogin {
  const { request, state } = login
  const replaces = request.node === null ? undefined : request.tailnet?.nodes.get(request.node)
  const joined = state.kind === 'joined' ? state.approval.tailnet.nodes.get(state.node) : undefined
  return {
    id: login.id,
    url: logins.urlOf(login),
    state: state.kind,
    hostname: request.hostname,
    os: request.os,
    nodeKey: request.nodeKey,
    machineKey: login.machineKey,
    lockKey: request.lockKey,
    requestedTags: request.requestedTags,
    ephemeral: request.ephemeral,
    from: request.from,
    askedAt: new Date(login.askedAt).toISOString(),
    connected: logins.isHeld(login.machineKey),
    replaces: replaces?.row.name ?? null,
    problem: login.problem,
    node: joined === undefined ? null : nodeJson(tailnet, joined),
  }
}
