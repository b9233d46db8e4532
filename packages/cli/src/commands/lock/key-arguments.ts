// SPDX-License-Identifier: Apache-2.0

/**
 * Lock keys and disablement values on a command line (official rule: parseTLArgs).
 *
 * A difference on purpose: where a disablement VALUE is expected, a SECRET is refused. The official
 * command takes it, stores it as it is, and so publishes it.
 *
 * @module
 */

import { fromHex } from '@signet/codec'
import { lockPublicBytes, parseLockPublic } from '@signet/keys'
import type { LockKeyJson } from '@signet/protocol/local-api'
import { CliError, reasonOf } from '../../errors.ts'

const secretPrefix = 'disablement-secret:'
const valuePrefix = 'disablement:'

/** Keys and disablement values of an `init`. */
export interface InitArguments {
  readonly keys: readonly LockKeyJson[]
  readonly values: readonly Uint8Array[]
}

/** Reads the keys of `add`, `remove` and `revoke-keys`. @throws CliError usage, bad-input */
export function parseKeys(args: readonly string[]): LockKeyJson[] {
  if (args.length === 0) {
    throw new CliError('usage', 'missing argument, expected one or more tailnet lock keys')
  }
  return args.map(parseKey)
}

/** Reads the keys and values of `init`. @throws CliError bad-input, also for a secret where a value belongs */
export function parseInitArguments(args: readonly string[]): InitArguments {
  const keys: LockKeyJson[] = []
  const values: Uint8Array[] = []
  args.forEach((arg, index) => {
    if (arg.startsWith(secretPrefix)) {
      throw new CliError(
        'bad-input',
        `parsing argument ${index + 1}: a disablement secret was given where a disablement value belongs`,
        {
          hint: 'As a value it would be written into the first update, where every node can read it, and it would not end the lock. Turn the secret into its value with "signet lock disablement-kdf", or let --gen-disablements make secrets.',
        },
      )
    }
    if (arg.startsWith(valuePrefix)) {
      values.push(parseHexArgument(arg.slice(valuePrefix.length), `disablement ${index + 1}`))
    } else {
      keys.push(parseKey(arg, index))
    }
  })
  for (const value of values) {
    if (value.length !== 32) {
      throw new CliError(
        'bad-input',
        `parsing disablement: a value has 32 bytes, got ${value.length}`,
        { hint: '"signet lock disablement-kdf" computes values from secrets.' },
      )
    }
  }
  return { keys, values }
}

/** Reads the secret of `disable`, with either prefix. @throws CliError usage, bad-input */
export function parseDisablementSecret(arg: string): Uint8Array {
  const prefix = [secretPrefix, valuePrefix].find((candidate) => arg.startsWith(candidate))
  if (prefix === undefined) {
    throw new CliError(
      'bad-input',
      `parsing argument 1: expected value with "${valuePrefix}" or "${secretPrefix}" prefix`,
    )
  }
  return parseHexArgument(arg.slice(prefix.length), 'disablement 1')
}

/** Reads hex in either case. @throws CliError bad-input */
export function parseHexArgument(text: string, what: string): Uint8Array {
  try {
    return fromHex(text.toLowerCase())
  } catch (cause) {
    throw new CliError('bad-input', `parsing ${what}: ${reasonOf(cause)}`, { cause })
  }
}

function parseKey(arg: string, index: number): LockKeyJson {
  const [text = '', ...rest] = arg.split('?')
  const votes = rest.join('?')
  if (rest.length > 0 && !/^\d+$/.test(votes)) {
    throw new CliError('bad-input', `parsing key ${index + 1} votes: "${votes}" is not a number`)
  }
  try {
    return {
      Kind: 1,
      Votes: rest.length === 0 ? 1 : Number(votes),
      Public: lockPublicBytes(parseLockPublic(text)),
      Meta: null,
    }
  } catch (cause) {
    throw new CliError('bad-input', `parsing key ${index + 1}: ${reasonOf(cause)}`, { cause })
  }
}
