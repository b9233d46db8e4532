// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock init`. Disablement secrets are made here and only their values leave the command;
 * they are printed when the lock is on, and also when nobody can tell whether it is.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import { lockPublicBytes, parseLockPublic } from '@signet/keys'
import { ProtocolError, type LocalClient, type LockInitRequest } from '@signet/protocol/local-api'
import { randomBytes } from 'node:crypto'
import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { parseInitArguments } from './key-arguments.ts'
import { keyText } from './texts.ts'

/** Runs `lock init`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  const status = await local.lock.status()
  if (status.Enabled) throw new CliError('failed', 'tailnet lock is already enabled')
  const { keys, values } = parseInitArguments(args)
  const own = lockPublicBytes(parseLockPublic(status.PublicKey))
  if (!keys.some((key) => key.Public !== null && equalBytes(key.Public, own))) {
    throw new CliError(
      'failed',
      'the tailnet lock key of the current node must be one of the trusted keys during initialization',
    )
  }
  const count = flags.number('gen-disablements')
  const forSupport = flags.switch('gen-disablement-for-support')
  if (count < 0 || count + values.length + (forSupport ? 1 : 0) === 0) {
    throw new CliError(
      'usage',
      'signet lock init: at least one disablement is needed to end the lock',
      {
        hint: 'Give --gen-disablements a number above 0.',
      },
    )
  }
  const json = flags.switch('json')
  if (!json) {
    io.out('You are initializing tailnet lock with the following trusted signing keys:\n')
    for (const key of keys) io.out(` - ${keyText(key.Public ?? new Uint8Array())} (25519 key)\n`)
    io.out('\n')
  }
  if (!flags.switch('confirm')) {
    io.out(preview(count, forSupport, args))
    return
  }

  const { disablementValue } = await import('@signet/tka')
  const secrets = Array.from({ length: count }, () => new Uint8Array(randomBytes(32)))
  const support = forSupport ? new Uint8Array(randomBytes(32)) : null
  const hashed = []
  for (const secret of [...secrets, ...(support === null ? [] : [support])]) {
    hashed.push(await disablementValue(secret))
  }
  const outcome = await attempt(local, {
    Keys: keys,
    DisablementValues: [...values, ...hashed],
    SupportDisablement: support,
    SignUnknownNodes: flags.switch('sign-unknown-nodes'),
  })
  const texts = secrets.map((secret) => `disablement-secret:${toHex(secret).toUpperCase()}`)
  if (json) {
    io.out(
      `${JSON.stringify({ Initialized: outcome === undefined, DisablementSecrets: texts }, null, 2)}\n`,
    )
  } else {
    io.out(
      `${count} disablement secrets have been generated and are printed below. Take note of them now, they WILL NOT be shown again.\n`,
    )
    for (const text of texts) io.out(`\t${text}\n`)
    if (forSupport) {
      io.out(
        "A disablement secret for support has been generated and transmitted to the server's operator.\n",
      )
    }
  }
  if (outcome !== undefined) throw outcome
  if (!json) io.out('Initialization complete.\n')
}

function preview(count: number, forSupport: boolean, args: readonly string[]): string {
  const supportFlag = forSupport ? '--gen-disablement-for-support ' : ''
  return [
    `${count} disablement secrets will be generated.`,
    ...(forSupport
      ? ["A disablement secret will be generated and transmitted to the server's operator."]
      : []),
    '',
    'If this is correct, please re-run this command with the --confirm flag:',
    `\tsignet lock init --confirm --gen-disablements ${count} ${supportFlag}${args.join(' ')}`,
    '',
  ].join('\n')
}

/**
 * Starts the lock. Throws when it certainly did not start. When the answer was lost on the way,
 * returns the error instead: the secrets may be the only way out of a lock that is on.
 */
async function attempt(
  local: LocalClient,
  request: LockInitRequest,
): Promise<CliError | undefined> {
  try {
    await local.lock.init(request)
    return undefined
  } catch (error) {
    const refusal = error instanceof ProtocolError ? error.message : undefined
    if (refusal !== undefined && !answerWasLost(refusal)) {
      if (await begunWith(local, request)) return undefined
      throw error
    }
    return new CliError(
      'not-reachable',
      `Cannot tell whether the lock is on: the answer was lost${refusal === undefined ? '' : ` (${refusal})`}`,
      {
        cause: error,
        hint: 'Keep the secrets above until "signet lock status" shows that the lock is off.',
      },
    )
  }
}

/** What daemons say, ours and the official one, when the last step was sent and no answer could be read. */
const LOST_ANSWER = /init\/finish|init-finish|Cannot read the server's reply|decoding JSON/

/** Whether the node's refusal means that it never heard what the server decided in the last step. */
function answerWasLost(refusal: string): boolean {
  if (/^50[34]\b/.test(refusal)) return true
  return LOST_ANSWER.test(refusal) && !/init-begin|request returned/.test(refusal)
}

/** Whether the lock is on after all, with the disablement values of this request. */
async function begunWith(local: LocalClient, request: LockInitRequest): Promise<boolean> {
  const status = await local.lock.status()
  if (!status.Enabled) return false
  const { decodeAum } = await import('@signet/tka')
  const first = (await local.lock.log(1000)).at(-1)
  const state = first === undefined ? null : decodeAum(first.Raw).state
  const wanted = request.DisablementValues ?? []
  return wanted.every((value) =>
    state?.disablementValues?.some(
      (other) => other !== null && value !== null && equalBytes(other, value),
    ),
  )
}
