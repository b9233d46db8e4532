// SPDX-License-Identifier: Apache-2.0

/**
 * `signet whois`.
 *
 * @module
 */

import type { CommandContext } from '../command.ts'
import { CliError } from '../errors.ts'

/** Runs `whois`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  const [address] = args
  if (address === undefined) throw new CliError('usage', 'missing argument, expected one peer')
  if (args.length > 1) throw new CliError('usage', 'too many arguments, expected at most one peer')
  const who = await local.whois(address)
  if (flags.switch('json')) {
    io.out(`${JSON.stringify(who, null, 2)}\n`)
    return
  }
  const { Node: node, UserProfile: user } = who
  const line = (name: string, value: string): void => io.out(`  ${name}:`.padEnd(17) + `${value}\n`)
  io.out('Machine:\n')
  line('Name', node.Name.replace(/\.$/, ''))
  line('ID', node.StableID)
  line('Addresses', `[${(node.Addresses ?? []).join(' ')}]`)
  const routes = (node.AllowedIPs ?? []).slice(2)
  if (routes.length > 0) line('AllowedIPs', `[${routes.join(' ')}]`)
  if (node.Tags !== undefined && node.Tags.length > 0) {
    line('Tags', node.Tags.join(', '))
    return
  }
  io.out('User:\n')
  line('Name', user.LoginName)
  line('ID', String(user.ID))
}
