// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin nodes ping`, `c2n` and `debug`: asking a node by way of the server.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { indentJson } from '../../indent-json.ts'
import { adminClient, printJson, takeArguments } from './connect.ts'

/** What `nodes debug` asks for. */
export const debugPaths: Readonly<Record<string, string>> = {
  health: '/debug/health',
  netmap: '/debug/netmap',
  prefs: '/debug/prefs',
  'tka-log': '/debug/tka/log?limit=50',
  goroutines: '/debug/goroutines',
  metrics: '/debug/metrics',
}

/** Runs `admin nodes ping`. */
export async function ping(context: CommandContext): Promise<void> {
  const [from = '', to = ''] = takeArguments(context, 2)
  const answer = await adminClient(context).pingFrom(from, to, context.flags.text('type'))
  if (context.flags.switch('json')) {
    printJson(context, answer)
    return
  }
  if (answer.error !== '') throw new CliError('failed', `${from} to ${to}: ${answer.error}`)
  const via = answer.via === '' ? '' : ` via ${answer.via}`
  context.io.out(`pong from ${to} to ${from}${via} in ${Math.round(answer.seconds * 1_000)}ms\n`)
}

/** Runs `admin nodes c2n`. */
export async function c2n(context: CommandContext): Promise<void> {
  const [ref = '', method = '', path = ''] = takeArguments(context, 3)
  await show(context, ref, method.toUpperCase(), path)
}

/** Runs `admin nodes debug`. */
export async function debug(context: CommandContext): Promise<void> {
  const [ref = '', what = ''] = takeArguments(context, 2)
  const path = debugPaths[what]
  if (path === undefined) {
    const known = Object.keys(debugPaths).join(', ')
    throw new CliError('usage', `signet admin nodes debug: "${what}" is none of ${known}`)
  }
  await show(context, ref, 'GET', path)
}

async function show(
  context: CommandContext,
  ref: string,
  method: string,
  path: string,
): Promise<void> {
  const { status, contentType, body } = await adminClient(context).callNode(ref, method, path)
  if (status >= 300) throw new CliError('failed', `${ref} answered ${status}: ${body.trim()}`)
  const isJson = contentType.includes('json') || /^[{[]/.test(body)
  const text = isJson ? indentJson(body, '  ') : body
  context.io.out(text.endsWith('\n') ? text : `${text}\n`)
}
