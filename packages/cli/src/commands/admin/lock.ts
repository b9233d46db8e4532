// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin lock`: the server's copy of the lock. The server holds no key; what it shows here
 * is worth what the server is worth.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { table } from '../../columns.ts'
import { adminClient, printJson, takeArguments, when } from './connect.ts'

/** Runs `admin lock status`. */
export async function status(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const lock = await adminClient(context).lock()
  const { io } = context
  if (context.flags.switch('json')) {
    printJson(context, lock)
    return
  }
  io.out(`Tailnet Lock is ${lock.enabled ? 'ENABLED' : 'NOT enabled'}.\n`)
  if (!lock.enabled) return
  io.out(
    `\nhead:        ${lock.head ?? '-'}\nfingerprint: ${lock.genesis ?? '-'}\nupdates:     ${lock.updates} of at most ${lock.updateLimit}, ${lock.sinceCheckpoint} since the last checkpoint\nsecrets:     ${lock.secrets} that can switch it off\n`,
  )
  io.out('\nTrusted signing keys:\n')
  for (const key of lock.trustedKeys ?? []) {
    io.out(`\t${key.key}\t${key.votes}${key.note === null ? '' : `\t${key.note}`}\n`)
  }
  for (const warning of lock.warnings ?? []) io.out(`\nwarning: ${warning}\n`)
}

/** Runs `admin lock acks`. */
export async function acks(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const list = await adminClient(context).acks()
  if (context.flags.switch('json')) {
    printJson(context, { acks: list })
    return
  }
  const rows = list.map((ack) => [
    ack.name,
    ack.state,
    when(ack.since),
    ack.reportedHead ?? '-',
    ack.note ?? '',
  ])
  context.io.out(table(['NODE', 'STATE', 'SINCE', 'REPORTED HEAD', 'NOTE'], rows))
}
