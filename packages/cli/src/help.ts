// SPDX-License-Identifier: Apache-2.0

/**
 * Help texts, made from the command tables.
 *
 * @module
 */

import type { Command, CommandGroup, Flag } from './command.ts'
import { groups, rootCommands } from './commands/table.ts'

const width = 78

/** Returns the help of one command. */
export function commandHelp(command: Command): string {
  const name = ['signet', ...command.path].join(' ')
  const flags = command.flags.filter((flag) => flag.hidden !== true)
  return [
    `${command.summary}.`,
    '',
    'USAGE',
    `  ${[name, flags.length === 0 ? '' : '[flags]', command.usage].filter((part) => part !== '').join(' ')}`,
    ...(command.details ?? []).flatMap((paragraph) => ['', ...wrap(paragraph, width)]),
    ...(flags.length === 0 ? [] : ['', 'FLAGS', ...flags.flatMap(flagHelp)]),
    '',
    'EXAMPLE',
    `  signet ${command.example}`,
    '',
  ].join('\n')
}

function flagHelp(flag: Flag): string[] {
  const fallback = flag.fallback === undefined ? '' : ` (default ${flag.fallback})`
  return [
    `  ${flagUsage(flag)}`,
    ...wrap(`${flag.summary}${fallback}`, width - 6).map((line) => `      ${line}`),
  ]
}

/** Returns a flag as it is typed: `--limit N`. */
export function flagUsage(flag: Flag): string {
  if (flag.kind !== 'switch') return `--${flag.name} ${flag.value ?? 'VALUE'}`
  return flag.version === true ? `--${flag.name}[=1]` : `--${flag.name}`
}

/** Returns the help of the whole program, or of one group of commands. */
export async function overview(group?: CommandGroup): Promise<string> {
  if (group !== undefined) {
    const depth = group.name.split(' ').length
    const commands = (await group.load()).filter((command) => command.hidden !== true)
    const bare =
      group.bare === undefined ? [] : [`  signet ${group.name} alone is "${group.bare}".`]
    return [
      `${group.summary}.`,
      '',
      'USAGE',
      `  signet ${group.name} COMMAND [flags] [arguments]`,
      ...bare,
      '',
      'COMMANDS',
      ...list(commands.map((command) => [command.path.slice(depth).join(' '), command.summary])),
      '',
      `Run "signet ${group.name} COMMAND --help" for one of them.`,
      '',
    ].join('\n')
  }
  const shown = rootCommands.filter((command) => command.hidden !== true)
  const entries = [
    ...shown.map((command) => [command.path.join(' '), command.summary] as const),
    ...groups.map((other) => [other.name, other.summary] as const),
  ]
  return [
    'Signet: a coordination server, node and command line for WireGuard tailnets whose',
    'nodes do not have to trust the server.',
    '',
    'USAGE',
    '  signet [--socket PATH] COMMAND [flags] [arguments]',
    '',
    'COMMANDS',
    ...list(entries),
    '',
    'Run "signet COMMAND --help" for one of them.',
    '',
  ].join('\n')
}

function list(entries: readonly (readonly [string, string])[]): string[] {
  const longest = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, summary]) => `  ${name.padEnd(longest)}  ${summary}`)
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
