// SPDX-License-Identifier: Apache-2.0

/**
 * `signet whois`.
 *
 * @module
 */

import { encodeWhoIs } from '@signet/protocol/local-api'
import type { CommandContext } from '../command.ts'
import { CliError } from '../errors.ts'
import { indentJson } from '../indent-json.ts'

/** Runs `whois`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  const [address] = args
  if (address === undefined) throw new CliError('usage', 'missing argument, expected one peer')
  if (args.length > 1) throw new CliError('usage', 'too many arguments, expected at most one peer')
  const who = await local.whois(address)
  if (flags.switch('json')) {
    io.out(`${indentJson(encodeWhoIs(who), '  ')}\n`)
    return
  }
  const { Node: node, UserProfile: user } = who
  const routes = (node.AllowedIPs ?? []).slice(2)
  const tags = node.Tags ?? []
  io.out('Machine:\n')
  io.out(
    block([
      ['Name', node.Name.replace(/\.$/, '')],
      ['ID', node.StableID],
      ['Addresses', goList(node.Addresses ?? [])],
      ...(routes.length > 0 ? [['AllowedIPs', goList(routes)] as const] : []),
      ...(tags.length > 0 ? [['Tags', tags.join(', ')] as const] : []),
    ]),
  )
  if (tags.length > 0) return
  io.out('User:\n')
  io.out(
    block([
      ['Name', user.LoginName],
      ['ID', String(user.ID)],
    ]),
  )
}

/** Indented lines of a name and a value; each block is aligned for itself, as Go's tabwriter does. */
function block(lines: readonly (readonly [string, string])[]): string {
  const names = lines.map(([name]) => `  ${name}:`)
  const width = Math.max(10, ...names.map((name) => name.length + 5))
  return lines.map(([, value], i) => `${(names[i] ?? '').padEnd(width)}${value}\n`).join('')
}

/** A list as Go prints one. */
function goList(values: readonly string[]): string {
  return `[${values.join(' ')}]`
}
