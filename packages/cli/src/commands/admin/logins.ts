// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin nodes pending`, `approve` and `deny`: who asks to join without a pre-auth key, and the decision.
 *
 * @module
 */

import type { AdminLogin } from '@signet/protocol/admin-api'
import type { CommandContext } from '../../command.ts'
import { adminClient, listed, printJson, takeArguments, when } from './connect.ts'

/** Runs `admin nodes pending`. */
export async function pending(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const { io, flags } = context
  const all = await adminClient(context).logins()
  const logins = all.filter(({ state }) => state === 'waiting' || state === 'approved')
  if (flags.switch('json')) {
    printJson(context, { logins })
    return
  }
  if (logins.length === 0) {
    io.out('No machine asks to join.\n')
    return
  }
  io.out(logins.map(describe).join('\n'))
}

/** Runs `admin nodes approve`. */
export async function approve(context: CommandContext): Promise<void> {
  const [ref = ''] = takeArguments(context, 1)
  const { io, flags } = context
  const tags = flags.list('tags').map((tag) => (tag.startsWith('tag:') ? tag : `tag:${tag}`))
  const login = await adminClient(context).approveLogin(idOf(ref), {
    ...(flags.given('user') && { user: flags.text('user') }),
    ...(flags.given('tags') && { tags }),
    ...(flags.switch('ephemeral') && { ephemeral: true }),
  })
  if (flags.switch('json')) {
    printJson(context, login)
    return
  }
  const { node } = login
  if (node === null) {
    io.out('Approved. The machine is not waiting just now; it joins when it asks again.\n')
    return
  }
  const owner = node.user ?? listed(node.tags)
  io.out(`${node.name} has joined as ${listed(node.addresses)}, owned by ${owner}\n`)
  if (node.lock.signature === 'missing') {
    io.out(
      `It is locked out until a trusted node signs it:\n\n\tsignet lock sign ${node.nodeKey} ${lockKeyText(node.lockKey)}\n`,
    )
  }
}

/** Runs `admin nodes deny`. */
export async function deny(context: CommandContext): Promise<void> {
  const [ref = ''] = takeArguments(context, 1)
  await adminClient(context).denyLogin(idOf(ref))
}

function describe(login: AdminLogin): string {
  const lines: readonly (readonly [string, string])[] = [
    ['machine', `${login.hostname || '-'} (${login.os || '-'})`],
    ['url', login.url],
    ['state', stateText(login)],
    ['replaces', login.replaces === null ? '-' : `the key of ${login.replaces}`],
    ['node key', `${login.nodeKey} (${shortKey(login.nodeKey)})`],
    ['machine key', login.machineKey],
    ['lock key', lockKeyText(login.lockKey) || '-'],
    ['asks for', listed(login.requestedTags)],
    ['asked', `${when(login.askedAt)} from ${login.from || '-'}`],
  ]
  return lines.map(([name, value]) => `${`${name}:`.padEnd(13)}${value}\n`).join('')
}

function stateText({ state, connected, problem }: AdminLogin): string {
  const where = connected ? 'connected' : 'not connected'
  return problem === '' ? `${state}, ${where}` : `${state}, ${where}; last time: ${problem}`
}

function lockKeyText(key: string | null): string {
  return key?.replace(/^nlpub:/, 'tlpub:') ?? ''
}

/** The form in which official programs show node keys: the first five characters of base64. */
function shortKey(nodeKey: string): string {
  const hex = nodeKey.slice(nodeKey.indexOf(':') + 1)
  return `[${Buffer.from(hex, 'hex').toString('base64').slice(0, 5)}]`
}

function idOf(ref: string): string {
  return ref.replace(/\/+$/, '').split('/').at(-1) ?? ''
}
