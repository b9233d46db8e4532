// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin policy` and `signet admin reload`.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { adminClient, printJson, takeArguments } from './connect.ts'

/** Runs `admin policy get`. */
export async function get(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const answer = await adminClient(context).policy()
  if (context.flags.switch('json')) printJson(context, answer)
  else if (answer.policy === null) context.io.err(`${answer.summary}\n`)
  else context.io.out(answer.policy.endsWith('\n') ? answer.policy : `${answer.policy}\n`)
}

/** Runs `admin policy check`. */
export async function check(context: CommandContext): Promise<void> {
  const { summary } = await adminClient(context).checkPolicy(await readPolicyFile(context))
  context.io.out(`The policy can be used: ${summary}.\n`)
}

/** Runs `admin policy set`. */
export async function set(context: CommandContext): Promise<void> {
  const { summary } = await adminClient(context).setPolicy(await readPolicyFile(context))
  context.io.out(`The policy is in force: ${summary}.\n`)
}

/** Runs `admin reload`. */
export async function reload(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  context.io.out(`Settings read again. Policy: ${await adminClient(context).reload()}.\n`)
}

async function readPolicyFile(context: CommandContext): Promise<string> {
  const [path = ''] = takeArguments(context, 1)
  if (path === '-') return await context.io.readInput()
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new CliError('failed', `Cannot read ${path}`, { cause })
  }
}
