// SPDX-License-Identifier: Apache-2.0

/**
 * `signet node`: the one command that loads the node.
 *
 * @module
 */

import type { CommandContext } from '../command.ts'
import { CliError, reasonOf } from '../errors.ts'
import { createLineLogger, parseLogFormat, prettyLine } from '../log-lines.ts'
import { defaultNodeDir, nodeSocket } from '../paths.ts'
import { untilAborted } from '../until-aborted.ts'

/** Runs the node until a signal. */
export async function run({ io, flags, args, socketFlag }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet node: unexpected argument')
  if (flags.text('tun') !== 'memory') {
    throw new CliError('usage', `--tun: only "memory" is there, got "${flags.text('tun')}"`, {
      hint: 'A real network interface is not supported by this version.',
    })
  }
  const stateDir = flags.text('state-dir') || defaultNodeDir(io.env)
  const socketPath = socketFlag || (io.env['SIGNET_SOCKET'] ?? '') || nodeSocket(stateDir)
  const pretty = parseLogFormat(flags.text('log-format'), io.interactive) === 'pretty'
  const write = (line: string): void => io.err(pretty ? prettyLine(line) : line)
  const { NodeError, startNode } = await import('@signet/node')
  try {
    const node = await startNode({
      stateDir,
      socketPath,
      port: flags.number('port'),
      ...(flags.given('bind') && { bind: flags.text('bind') }),
      logger: createLineLogger(flags.text('log-level'), write, io.now),
      signal: io.signal,
    })
    io.out(`Signet node at ${socketPath}\n`)
    await untilAborted(io.signal)
    await node.close()
  } catch (error) {
    if (!(error instanceof NodeError)) throw error
    throw new CliError('failed', `Cannot run the node: ${reasonOf(error)}`, { cause: error })
  }
}
