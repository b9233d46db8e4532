// SPDX-License-Identifier: Apache-2.0

/**
 * From a command line to an exit code: find the command, read its flags, run it, and say what went
 * wrong if it did.
 *
 * @module
 */

import { createLocalClient, ProtocolError, type LocalClient } from '@signet/protocol/local-api'
import type { Command, CommandContext } from './command.ts'
import { findCommand } from './commands/table.ts'
import { CliError, cliErrors, reasonOf, type CliErrorCode } from './errors.ts'
import type { CliIo } from './io.ts'
import { parseFlags } from './parse-flags.ts'
import { printable } from './printable.ts'
import { defaultNodeDir, nodeSocket } from './paths.ts'

/** Runs one command line (without the program's name) and returns the process exit code. */
export async function run(words: readonly string[], outside: CliIo): Promise<number> {
  const io: CliIo = {
    ...outside,
    out: (text) => outside.out(printable(text)),
    err: (text) => outside.err(printable(text)),
  }
  try {
    return await dispatch(words, io)
  } catch (error) {
    return report(error, io)
  }
}

async function dispatch(words: readonly string[], io: CliIo): Promise<number> {
  const { rest, socket } = takeGlobalSocket(words)
  const found = await findCommand(rest)
  if (found.kind === 'help') {
    const { overview } = await import('./help.ts')
    const text = await overview(found.group)
    if (found.wrong === undefined) {
      io.out(text)
      return 0
    }
    io.err(text)
    return exitOf('usage')
  }
  if (found.kind === 'unknown') {
    throw new CliError('usage', `signet: unknown command "${found.words}"`, {
      hint: 'Run "signet --help" to see the commands.',
    })
  }
  const { command } = found
  const name = ['signet', ...command.path].join(' ')
  const line = parseFlags(found.rest, command.flags, name)
  if (line.help) {
    const { commandHelp } = await import('./help.ts')
    io.out(commandHelp(command))
    return 0
  }
  const { run: runCommand } = await command.load()
  return (await runCommand(createContext(io, command, line, socket))) ?? 0
}

function createContext(
  io: CliIo,
  command: Command,
  line: Pick<CommandContext, 'flags' | 'args'>,
  globalSocket: string | undefined,
): CommandContext {
  const own = command.flags.some((flag) => flag.name === 'socket') ? line.flags.text('socket') : ''
  const socket =
    (globalSocket ?? own) || (io.env['SIGNET_SOCKET'] ?? '') || nodeSocket(defaultNodeDir(io.env))
  let client: LocalClient | undefined
  return {
    io,
    command,
    flags: line.flags,
    args: line.args,
    socketFlag: globalSocket ?? own,
    get local(): LocalClient {
      client ??= createLocalClient(lazyTransport(socket, io))
      return client
    },
  }
}

/** A transport whose code is loaded with the first call: help and offline commands do without. */
function lazyTransport(socket: string, io: CliIo): Parameters<typeof createLocalClient>[0] {
  const open = async (): Promise<Parameters<typeof createLocalClient>[0]> => {
    const { createUnixTransport } = await import('./unix-transport.ts')
    return createUnixTransport({
      socket,
      host: 'local-tailscaled.sock',
      peer: 'the Signet node',
      hint: 'Start it with "signet node", or name its socket with --socket PATH (or SIGNET_SOCKET).',
      signal: io.signal,
    })
  }
  return {
    request: async (request) => (await open()).request(request),
    lines: (request) => ({
      [Symbol.asyncIterator]: () => {
        const opening = open().then((transport) => transport.lines(request)[Symbol.asyncIterator]())
        return {
          next: async () => (await opening).next(),
          return: async () => (await opening).return?.() ?? { done: true, value: undefined },
        }
      },
    }),
  }
}

/** `--socket PATH` may stand before the command words. */
function takeGlobalSocket(words: readonly string[]): {
  readonly rest: readonly string[]
  readonly socket: string | undefined
} {
  const [first = '', second] = words
  const inline = /^--?socket=(.*)$/.exec(first)?.[1]
  if (inline !== undefined) return { rest: words.slice(1), socket: inline }
  if (!/^--?socket$/.test(first)) return { rest: words, socket: undefined }
  if (second === undefined) throw new CliError('usage', 'signet: --socket needs a value (PATH)')
  return { rest: words.slice(2), socket: second }
}

/** Prints what a command threw, and returns its exit code. */
function report(error: unknown, io: CliIo): number {
  if (error instanceof CliError) {
    if (error.message !== '') io.err(`${error.message}\n`)
    if (error.hint !== '') io.err(`${error.hint}\n`)
    return exitOf(error.code)
  }
  if (error instanceof ProtocolError) {
    io.err(`error: ${error.message}\n`)
    return exitOf(error.code === 'api-denied' ? 'denied' : 'refused')
  }
  io.err(`error: ${reasonOf(error)}\n`)
  if ((io.env['SIGNET_DEBUG'] ?? '') !== '' && error instanceof Error) io.err(`${error.stack}\n`)
  return exitOf('failed')
}

function exitOf(code: CliErrorCode): number {
  return cliErrors[code].exit
}
