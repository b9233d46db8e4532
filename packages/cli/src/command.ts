// SPDX-License-Identifier: Apache-2.0

/**
 * What a command is: words, flags, help, and where its code is. Help, completion and the reference
 * page are made from these tables; the code of a command is loaded only when it runs.
 *
 * @module
 */

import type { LocalClient } from '@signet/protocol/local-api'
import type { CliIo } from './io.ts'

/** One flag. A switch takes no value (`--json`, `--re-sign=false`). */
export interface Flag {
  readonly name: string
  readonly kind: 'switch' | 'text' | 'number' | 'list'
  /** How the value is called in the help: `FILE`. Not for switches. */
  readonly value?: string
  readonly summary: string
  /** Shown in the help, and what the command sees when the flag is not given. */
  readonly fallback?: string
  /** A switch that may carry a version, as in `--json=1`. */
  readonly version?: true
  /** Works, but is not shown: kept for habits. */
  readonly hidden?: true
}

/** One command. */
export interface Command {
  /** The words that name it: ['lock', 'init']. */
  readonly path: readonly string[]
  /** One line, no full stop. */
  readonly summary: string
  /** What follows the words: '[--confirm] KEY...'. */
  readonly usage: string
  /** Paragraphs for the help, without line breaks inside. */
  readonly details?: readonly string[]
  readonly flags: readonly Flag[]
  /** One line that can be typed, without the program's name. */
  readonly example: string
  readonly hidden?: true
  /** The values that an argument may have, for completion. */
  readonly choices?: readonly string[]
  readonly load: () => Promise<{ readonly run: CommandRun }>
}

/** Several commands under one word. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  /** The command that runs when no further word is given. */
  readonly bare?: string
  readonly load: () => Promise<readonly Command[]>
}

/** What a running command gets. */
export interface CommandContext {
  readonly io: CliIo
  readonly command: Command
  readonly flags: FlagValues
  readonly args: readonly string[]
  /** What `--socket` said, before the command or after it; '' when it was not given. */
  readonly socketFlag: string
  /** A client of the node: at `--socket`, SIGNET_SOCKET or the default. It connects with its first call. */
  readonly local: LocalClient
}

/** The code of a command. Returns an exit code when it is not 0. */
export type CommandRun = (context: CommandContext) => Promise<number | void>

/** The flags that were given, read by name. Asking for a flag that the command does not have is a bug and throws. */
export interface FlagValues {
  /** Whether the flag was on the command line. */
  given(name: string): boolean
  switch(name: string): boolean
  text(name: string): string
  number(name: string): number
  list(name: string): readonly string[]
  /** 0 when the flag is off, else the version that was asked for (1 without a number). */
  version(name: string): number
}
