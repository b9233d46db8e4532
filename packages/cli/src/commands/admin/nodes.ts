// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin nodes`.
 *
 * @module
 */

import type { AdminNode } from '@signet/protocol/admin-api'
import type { CommandContext } from '../../command.ts'
import { table } from '../../columns.ts'
import { CliError } from '../../errors.ts'
import { adminClient, listed, printJson, takeArguments, when } from './connect.ts'

/** Runs `admin nodes list`. */
export async function list(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const nodes = await adminClient(context).nodes()
  if (context.flags.switch('json')) {
    printJson(context, { nodes })
    return
  }
  const rows = nodes.map((node) => [
    String(node.id),
    node.name,
    node.user ?? listed(node.tags),
    node.addresses?.[0] ?? '-',
    node.online ? 'online' : `offline since ${when(node.lastSeen)}`,
    `${node.lock.signature} ${node.lock.state}`,
  ])
  context.io.out(table(['ID', 'NAME', 'OWNER', 'ADDRESS', 'CONNECTION', 'LOCK'], rows))
}

/** Runs `admin nodes show`. */
export async function show(context: CommandContext): Promise<void> {
  const [ref = ''] = takeArguments(context, 1)
  print(context, await adminClient(context).node(ref))
}

/** Runs `admin nodes rename`. */
export async function rename(context: CommandContext): Promise<void> {
  const [ref = '', name = ''] = takeArguments(context, 2)
  print(context, await adminClient(context).changeNode(ref, { name }))
}

/** Runs `admin nodes tag`. */
export async function tag(context: CommandContext): Promise<void> {
  const [ref, ...tags] = context.args
  if (ref === undefined) throw new CliError('usage', 'usage: signet admin nodes tag NODE [TAG...]')
  const full = tags.map((each) => (each.startsWith('tag:') ? each : `tag:${each}`))
  print(context, await adminClient(context).changeNode(ref, { tags: full }))
}

/** Runs `admin nodes expire`. */
export async function expire(context: CommandContext): Promise<void> {
  const [ref = ''] = takeArguments(context, 1)
  await adminClient(context).expireNode(ref)
}

/** Runs `admin nodes delete`. */
export async function remove(context: CommandContext): Promise<void> {
  const [ref = ''] = takeArguments(context, 1)
  await adminClient(context).deleteNode(ref)
}

/** Runs `admin nodes routes`. */
export async function routes(context: CommandContext): Promise<void> {
  const [ref = ''] = takeArguments(context, 1)
  const { flags, io } = context
  const client = adminClient(context)
  const node = flags.given('approve')
    ? await client.approveRoutes(ref, flags.list('approve'))
    : await client.node(ref)
  const advertised = node.advertisedRoutes ?? []
  const approved = node.approvedRoutes ?? []
  if (flags.switch('json')) {
    printJson(context, { advertised, approved })
    return
  }
  const all = [...new Set([...advertised, ...approved])]
  const rows = all.map((route) => [
    route,
    advertised.includes(route) ? 'yes' : 'no',
    approved.includes(route) ? 'yes' : 'no',
  ])
  io.out(table(['ROUTE', 'ADVERTISED', 'APPROVED'], rows))
}

function print(context: CommandContext, node: AdminNode): void {
  if (context.flags.switch('json')) {
    printJson(context, node)
    return
  }
  const lines: readonly (readonly [string, string])[] = [
    ['name', node.name],
    ['id', `${node.id} (${node.stableId})`],
    ['owner', node.user ?? listed(node.tags)],
    ['addresses', listed(node.addresses)],
    ['connection', node.online ? 'online' : `offline since ${when(node.lastSeen)}`],
    ['node key', node.nodeKey],
    ['machine key', node.machineKey],
    ['lock key', node.lockKey?.replace(/^nlpub:/, 'tlpub:') ?? '-'],
    ['lock', `signature ${node.lock.signature}, ${node.lock.state}`],
    ['key expiry', when(node.expiry)],
    ['ephemeral', node.ephemeral ? 'yes' : 'no'],
    [
      'routes',
      `advertised ${listed(node.advertisedRoutes)}, approved ${listed(node.approvedRoutes)}`,
    ],
    ['client', `${node.version} ${node.os}`.trim()],
    ['created', when(node.createdAt)],
  ]
  context.io.out(lines.map(([name, value]) => `${`${name}:`.padEnd(13)}${value}\n`).join(''))
}
