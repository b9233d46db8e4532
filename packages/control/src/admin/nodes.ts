// SPDX-License-Identifier: Apache-2.0

/**
 * Nodes, for administrators.
 *
 * @module
 */

import { Hono } from 'hono'
import { z } from 'zod'
import { formatPrefix, parsePrefix, ProtocolError } from '@signet/protocol'
import type { IpPrefix } from '@signet/protocol'
import type { AdminNode } from '@signet/protocol/admin-api'
import { ControlError } from '../errors.ts'
import { reportSignatures } from '../lock/signature-report.ts'
import { lockPosition } from '../map/lock-signal.ts'
import type { NodeRow } from '../store/rows.ts'
import { advertisedRoutes, parseHostinfo } from '../tailnet/hostinfo.ts'
import { sortedSet } from '../tailnet/lists.ts'
import { isLabel } from '../tailnet/names.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { isoTime, readInput, tags, tailnetOf } from './input.ts'
import type { AdminServices } from './services.ts'

const nodeChange = z.strictObject({ name: z.string().optional(), tags: tags.optional() })
const approval = z.strictObject({ approve: z.array(z.string()).max(1_000) })

/** Routes under /nodes. */
export function nodeRoutes(services: AdminServices): Hono {
  const app = new Hono()
  app.get('/', (c) => {
    const tailnet = tailnetOf(c, services)
    const signatures = reportSignatures(tailnet)
    const nodes = [...tailnet.nodes.values()]
    return c.json({ nodes: nodes.map((node) => nodeJson(tailnet, node, signatures)) })
  })
  app.get('/:ref', (c) => {
    const tailnet = tailnetOf(c, services)
    return c.json(nodeJson(tailnet, findNode(tailnet, c.req.param('ref'))))
  })
  app.delete('/:ref', (c) => {
    const tailnet = tailnetOf(c, services)
    const node = findNode(tailnet, c.req.param('ref'))
    const answer = nodeJson(tailnet, node)
    tailnet.write((draft) => draft.deleteNode(node.row.id))
    return c.json(answer)
  })
  app.patch('/:ref', async (c) => {
    const input = await readInput(c, nodeChange)
    const tailnet = tailnetOf(c, services)
    return c.json(change(tailnet, c.req.param('ref'), (row) => renamed(tailnet, row, input)))
  })
  app.post('/:ref/expire', (c) => {
    const tailnet = tailnetOf(c, services)
    const now = services.clock.now()
    return c.json(change(tailnet, c.req.param('ref'), (row) => ({ ...row, expiresAt: now })))
  })
  app.post('/:ref/routes', async (c) => {
    const { approve } = await readInput(c, approval)
    const tailnet = tailnetOf(c, services)
    const approvedRoutes = sortedSet(approve.map(canonicalRoute))
    return c.json(change(tailnet, c.req.param('ref'), (row) => ({ ...row, approvedRoutes })))
  })
  return app
}

function change(tailnet: Tailnet, ref: string, edit: (row: NodeRow) => NodeRow): AdminNode {
  const node = findNode(tailnet, ref)
  tailnet.write((draft) => draft.putNode(edit(node.row)))
  return nodeJson(tailnet, findNode(tailnet, String(node.row.id)))
}

function renamed(
  tailnet: Tailnet,
  row: NodeRow,
  input: { readonly name?: string | undefined; readonly tags?: readonly string[] | undefined },
): NodeRow {
  const next: NodeRow = input.tags === undefined ? row : { ...row, tags: sortedSet(input.tags) }
  if (input.name === undefined || input.name === row.name) return next
  if (!isLabel(input.name)) {
    throw new ControlError(
      'bad-request',
      'A name has lower-case letters, digits and dashes (at most 63)',
    )
  }
  if (tailnet.isNameTaken(input.name)) {
    throw new ControlError('conflict', `There is a node named ${input.name} already`)
  }
  return { ...next, name: input.name, nameFixed: true }
}

function canonicalRoute(text: string): string {
  const prefix = tryPrefix(text)
  if (prefix === null) {
    throw new ControlError('bad-request', `Not a network prefix: ${JSON.stringify(text)}`)
  }
  return formatPrefix(prefix)
}

/** A prefix with nothing beyond its length, or null. */
function tryPrefix(text: string): IpPrefix | null {
  try {
    const prefix = parsePrefix(text)
    const isClean = prefix.bytes.every((byte, index) => {
      const kept = Math.min(8, Math.max(0, prefix.bits - 8 * index))
      return (byte & (0xff >> kept)) === 0
    })
    return isClean ? prefix : null
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/** Finds a node by id, stable id or name. @throws ControlError 'not-found' */
export function findNode(tailnet: Tailnet, ref: string): TailnetNode {
  const byId = /^[0-9]+$/.test(ref) ? tailnet.nodes.get(Number(ref)) : undefined
  const found = byId ?? tailnet.nodeByName(ref)
  if (found !== undefined) return found
  for (const node of tailnet.nodes.values()) if (node.row.stableId === ref) return node
  throw new ControlError('not-found', `No node ${JSON.stringify(ref)}`)
}

/** A node as administrators see it. */
export function nodeJson(
  tailnet: Tailnet,
  node: TailnetNode,
  signatures: ReturnType<typeof reportSignatures> = reportSignatures(tailnet),
): AdminNode {
  const { row } = node
  const host = parseHostinfo(row.hostinfo)
  const text = (name: string): string => {
    const value = host[name]
    return typeof value === 'string' ? value : ''
  }
  return {
    id: row.id,
    stableId: row.stableId,
    name: row.name,
    user: row.tags.length > 0 ? null : (tailnet.users.get(row.userId)?.name ?? null),
    tags: row.tags,
    nodeKey: row.nodeKey,
    machineKey: row.machineKey,
    lockKey: row.lockKey,
    addresses: [row.ipv4, row.ipv6],
    online: node.online,
    lastSeen: isoTime(row.lastSeenAt),
    ephemeral: row.ephemeral,
    expiry: isoTime(row.expiresAt),
    createdAt: new Date(row.createdAt).toISOString(),
    advertisedRoutes: advertisedRoutes(host),
    approvedRoutes: row.approvedRoutes,
    version: text('IPNVersion'),
    os: text('OS'),
    lock: {
      signature: signatures(row),
      reportedHead: row.reportedHead === '' ? null : row.reportedHead,
      state: lockPosition(tailnet.lock, row.reportedHead),
    },
  }
}
