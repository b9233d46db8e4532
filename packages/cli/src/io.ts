// SPDX-License-Identifier: Apache-2.0

/**
 * Everything a command may touch of the outside: output, input, environment, time. Commands get it
 * passed in, so a test runs them without a process.
 *
 * @module
 */

/** The outside of a command. */
export interface CliIo {
  /** Writes to standard output. */
  readonly out: (text: string) => void
  /** Writes to standard error. */
  readonly err: (text: string) => void
  /** Reads standard input to its end. */
  readonly readInput: () => Promise<string>
  /** Asks a question on the terminal and returns the line typed; only called when `interactive`. */
  readonly ask: (question: string) => Promise<string>
  /** Whether both ends of the conversation are terminals. */
  readonly interactive: boolean
  /** Whether standard output may carry colour. */
  readonly colour: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Waits; rejects when `signal` aborts. */
  readonly sleep: (milliseconds: number) => Promise<void>
  /** Aborts when the user interrupts the command. */
  readonly signal: AbortSignal
  /** Calls back at SIGHUP, which otherwise ends the process; returns how to stop that. */
  readonly onHangup: (callback: () => void) => () => void
}

/** Returns the outside of this process. Colour only on terminals, and never with NO_COLOR set. */
export function processIo(): CliIo {
  const { env, stdin, stdout, stderr } = process
  const abort = new AbortController()
  // Who reads our output may stop early (`signet lock log | head`); that is no failure.
  stdout.on('error', () => process.exit(0))
  process.once('SIGINT', () => abort.abort())
  process.once('SIGTERM', () => abort.abort())
  return {
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
    readInput: async () => {
      const chunks: Uint8Array[] = []
      for await (const chunk of stdin) chunks.push(chunk as Uint8Array)
      return Buffer.concat(chunks).toString('utf8')
    },
    ask: async (question) => {
      const { createInterface } = await import('node:readline/promises')
      const terminal = createInterface({ input: stdin, output: stderr })
      try {
        return await terminal.question(question, { signal: abort.signal })
      } finally {
        terminal.close()
      }
    },
    interactive: stdin.isTTY && stderr.isTTY,
    colour: stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    env,
    now: Date.now,
    sleep: async (milliseconds) => {
      const { setTimeout } = await import('node:timers/promises')
      await setTimeout(milliseconds, undefined, { signal: abort.signal })
    },
    signal: abort.signal,
    onHangup: (callback) => {
      process.on('SIGHUP', callback)
      return () => void process.off('SIGHUP', callback)
    },
  }
}
