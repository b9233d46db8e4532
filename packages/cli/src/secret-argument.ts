// SPDX-License-Identifier: Apache-2.0

/**
 * Arguments that may be secrets. They need not stand on the command line, where every user of the
 * machine can read them: `-` reads standard input, `file:PATH` reads a file.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { CliError, reasonOf } from './errors.ts'
import type { CliIo } from './io.ts'

/** Returns what `argument` stands for, white space cut at both ends. @throws CliError bad-input */
export async function readSecret(argument: string, what: string, io: CliIo): Promise<string> {
  if (argument === '-') {
    const text = (await io.readInput()).trim()
    if (text === '') throw new CliError('bad-input', `Cannot read ${what}: standard input is empty`)
    return text
  }
  if (!argument.startsWith('file:')) return argument
  const path = argument.slice('file:'.length)
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new CliError('bad-input', `Cannot read ${what} from ${path}: ${reasonOf(cause)}`, {
      cause,
    })
  }
}
