// SPDX-License-Identifier: Apache-2.0

/**
 * How admin commands reach the server.
 *
 * @module
 */

import { createAdminClient, type AdminClient } from '@signet/protocol/admin-api'
import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { adminSocket, defaultServerDir } from '../../paths.ts'
import { createUnixTransport } from '../../unix-transport.ts'

/** Returns a client of the server that `--socket` or `--state-dir` names. */
export function adminClient({ io, flags, socketFlag }: CommandContext): AdminClient {
  const dir =
    flags.text('state-dir') || (io.env['SIGNET_STATE_DIR'] ?? '') || defaultServerDir(io.env)
  const transport = createUnixTransport({
    socket: socketFlag || adminSocket(dir),
    host: 'local-signet.sock',
    peer: 'the Signet server',
    hint: 'Start it with "signet serve", or name its directory with --state-dir DIR.',
    signal: io.signal,
  })
  return createAdminClient(transport, flags.text('tailnet'))
}

/** Returns exactly `count` arguments. @throws CliError usage */
export function takeArguments({ args, command }: CommandContext, count: number): readonly string[] {
  if (args.length === count) return args
  const usage = ['signet', ...command.path, command.usage].filter((part) => part !== '').join(' ')
  throw new CliError('usage', `usage: ${usage}`)
}

/** Prints JSON. */
export function printJson({ io }: CommandContext, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`)
}

/** Returns a time for people: to the minute, '-' for never. */
export function when(time: string | null): string {
  return time === null || time === '' ? '-' : time.replace(/:\d\d(\.\d+)?Z$/, 'Z').replace('T', ' ')
}

/** Returns a list for people. */
export function listed(values: readonly string[] | null): string {
  return values === null || values.length === 0 ? '-' : values.join(',')
}
