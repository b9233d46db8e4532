// SPDX-License-Identifier: Apache-2.0

/**
 * The `signet` command: for programs that run it in their own process, and for the documentation
 * that is made from its tables.
 *
 * @module
 */

export type { Command, CommandGroup, Flag } from './command.ts'
export { allCommands } from './commands/table.ts'
export { cliErrors, type CliErrorCode, type CliErrorMeaning } from './errors.ts'
export { commandHelp, flagUsage, overview } from './help.ts'
export type { CliIo } from './io.ts'
export { cliErrorTable, cliReference } from './reference.ts'
export { run } from './run.ts'
export { createUnixTransport, type UnixTransportOptions } from './unix-transport.ts'
