// SPDX-License-Identifier: Apache-2.0

/**
 * The reference pages that are made from tables, so that they cannot say anything else than the
 * program does. `tools/reference.ts` writes them; a test compares.
 *
 * @module
 */

import type { Command, CommandGroup } from './command.ts'
import { groups, rootCommands } from './commands/table.ts'
import { cliErrors } from './errors.ts'
import { flagUsage } from './help.ts'

/** Returns docs/reference/cli.md. */
export async function cliReference(): Promise<string> {
  const root = rootCommands.filter((command) => command.hidden !== true)
  const sections = await Promise.all(groups.map(groupSection))
  return [
    '# The command line',
    '',
    'Made from the tables in `packages/cli/src/commands/` by `node tools/reference.ts`; a test compares.',
    '',
    '`signet [--socket PATH] COMMAND [flags] [arguments]`. Flags may be written `--flag` or `-flag`, before or after arguments; a switch takes `=true` or `=false`. `--help` after any command shows what is written here.',
    '',
    '## Exit codes',
    '',
    ...exitCodeTable(),
    '',
    ...root.flatMap((command) => commandSection(command, '##')),
    ...sections.flat(),
  ].join('\n')
}

async function groupSection(group: CommandGroup): Promise<string[]> {
  const commands = (await group.load()).filter((command) => command.hidden !== true)
  const bare =
    group.bare === undefined ? [] : [`\`signet ${group.name}\` alone is \`${group.bare}\`.`, '']
  return [
    `## signet ${group.name}`,
    '',
    `${group.summary}.`,
    '',
    ...bare,
    ...commands.flatMap((command) => commandSection(command, '###')),
  ]
}

function commandSection(command: Command, level: string): string[] {
  const flags = command.flags.filter((flag) => flag.hidden !== true)
  const usage = ['signet', ...command.path, flags.length === 0 ? '' : '[flags]', command.usage]
  return [
    `${level} signet ${command.path.join(' ')}`,
    '',
    `${command.summary}.`,
    '',
    '```',
    usage.filter((part) => part !== '').join(' '),
    '```',
    '',
    ...(command.details ?? []).flatMap((paragraph) => [paragraph, '']),
    ...(flags.length === 0 ? [] : ['| flag | what | default |', '|---|---|---|']),
    ...flags.map(
      (flag) =>
        `| \`${cell(flagUsage(flag))}\` | ${cell(flag.summary)} | ${flag.fallback === undefined ? '' : `\`${flag.fallback}\``} |`,
    ),
    ...(flags.length === 0 ? [] : ['']),
    `Example: \`signet ${command.example}\``,
    '',
  ]
}

function exitCodeTable(): string[] {
  const meanings = new Map<number, string[]>([[0, ['Done']]])
  for (const { exit, meaning } of Object.values(cliErrors)) {
    meanings.set(exit, [...(meanings.get(exit) ?? []), meaning])
  }
  const rows = [...meanings].sort(([a], [b]) => a - b)
  return [
    '| code | when |',
    '|---|---|',
    ...rows.map(([code, when]) => `| ${code} | ${when.join('. ')} |`),
  ]
}

/** Returns the table of the command line's error codes, for docs/reference/errors.md. */
export function cliErrorTable(): string {
  const rows = Object.entries(cliErrors).map(
    ([code, { exit, meaning }]) => `| \`${code}\` | ${exit} | ${meaning} |`,
  )
  return ['| code | exit | when |', '|---|---|---|', ...rows].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
