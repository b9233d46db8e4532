// SPDX-License-Identifier: Apache-2.0

/**
 * How a command fails: one code per kind of failure, and one table from code to exit code. Scripts
 * may rely on both.
 *
 * @module
 */

/** What went wrong. */
export type CliErrorCode =
  | 'usage'
  | 'bad-input'
  | 'failed'
  | 'denied'
  | 'refused'
  | 'locked-out'
  | 'declined'
  | 'not-running'
  | 'not-reachable'
  | 'timeout'
  | 'interrupted'

/** What the user sees of each code. */
export interface CliErrorMeaning {
  /** The process exit code. */
  readonly exit: number
  /** One line for the reference. */
  readonly meaning: string
}

/** Every code, its exit code and its meaning. */
export const cliErrors: Readonly<Record<CliErrorCode, CliErrorMeaning>> = {
  usage: {
    exit: 2,
    meaning: 'Unknown command or flag, or an argument that is missing or malformed',
  },
  'bad-input': { exit: 1, meaning: 'A key, file or value could not be read or parsed' },
  failed: { exit: 1, meaning: 'The command could not do what was asked' },
  denied: { exit: 1, meaning: 'The node or server does not let this user do that' },
  refused: { exit: 1, meaning: 'The node or server answered with an error' },
  'locked-out': {
    exit: 3,
    meaning: 'The tailnet lock refuses this node, or the peer that was asked for',
  },
  declined: { exit: 1, meaning: 'The question before the change was answered with no' },
  'not-running': {
    exit: 4,
    meaning: 'No node or server listens on the socket, or this node is stopped or logged out',
  },
  'not-reachable': { exit: 4, meaning: 'The other end did not answer' },
  timeout: { exit: 4, meaning: 'What was waited for did not happen in time' },
  interrupted: { exit: 1, meaning: 'Stopped by a signal while waiting' },
}

/** A failure of a command: `message` says what was attempted and found, `hint` what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly hint: string
  constructor(code: CliErrorCode, message: string, options: ErrorOptions & { hint?: string } = {}) {
    super(message, options)
    this.code = code
    this.hint = options.hint ?? ''
  }
}

/** Returns the message of an error, with those of its causes that say something new. */
export function reasonOf(error: unknown): string {
  const reasons: string[] = []
  for (let at = error; at instanceof Error && reasons.length < 4; at = at.cause) {
    const { message } = at
    if (message !== '' && !reasons.some((reason) => reason.includes(message))) reasons.push(message)
  }
  return reasons.length === 0 ? 'unknown error' : reasons.join(': ')
}
