// SPDX-License-Identifier: Apache-2.0

/**
 * The commands of the program, and how words find one. The tables of `lock` and `admin` are loaded
 * when their word is given; the code of each command when it runs.
 *
 * @module
 */

import type { Command, CommandGroup } from '../command.ts'
import { nodeCommands } from './node-table.ts'
import { serverCommands } from './server-table.ts'

/** The commands that are one word. */
export const rootCommands: readonly Command[] = [...serverCommands, ...nodeCommands]

/** The words that have commands under them. */
export const groups: readonly CommandGroup[] = [
  {
    name: 'lock',
    summary: 'Manage the tailnet lock',
    bare: 'signet lock status',
    load: async () => (await import('./lock/table.ts')).lockCommands,
  },
  {
    name: 'admin',
    summary: 'Manage a server: users, nodes, pre-auth keys',
    load: async () => (await import('./admin/table.ts')).adminCommands,
  },
]

/** Returns every command, for help, completion and the reference. */
export async function allCommands(): Promise<readonly Command[]> {
  const loaded = await Promise.all(groups.map((group) => group.load()))
  return [...rootCommands, ...loaded.flat()]
}

/** What a command line turned out to be. */
export type Found =
  | { readonly kind: 'command'; readonly command: Command; readonly rest: readonly string[] }
  | { readonly kind: 'help'; readonly group?: CommandGroup; readonly wrong?: true }
  | { readonly kind: 'unknown'; readonly words: string }

/** Finds the command that `words` begin with. */
export async function findCommand(words: readonly string[]): Promise<Found> {
  const [first, second, third] = words
  if (first === undefined) return { kind: 'help', wrong: true }
  if (isHelp(first)) return second === undefined ? { kind: 'help' } : helpFor(words.slice(1))
  const command = rootCommands.find((candidate) => candidate.path[0] === first)
  if (command !== undefined) return { kind: 'command', command, rest: words.slice(1) }
  const group = groups.find((candidate) => candidate.name === first)
  if (group === undefined) return { kind: 'unknown', words: first }
  const commands = await group.load()
  const named = commands.find((candidate) =>
    candidate.path.every((word, index) => words[index] === word),
  )
  if (named !== undefined) {
    return { kind: 'command', command: named, rest: words.slice(named.path.length) }
  }
  const bare = commands.find((candidate) => group.bare === `signet ${candidate.path.join(' ')}`)
  if (second === undefined || (isHelp(second) && third === undefined)) {
    if (second === undefined && bare !== undefined)
      return { kind: 'command', command: bare, rest: [] }
    return { kind: 'help', group, ...(second === undefined && { wrong: true }) }
  }
  if (bare !== undefined && second.startsWith('-')) {
    return { kind: 'command', command: bare, rest: words.slice(1) }
  }
  const nouns = commands.filter((candidate) => candidate.path[1] === second)
  if (nouns.length > 0 && (third === undefined || isHelp(third))) {
    const noun: CommandGroup = {
      ...group,
      name: `${group.name} ${second}`,
      load: async () => nouns,
    }
    return { kind: 'help', group: noun, ...(third === undefined && { wrong: true }) }
  }
  return {
    kind: 'unknown',
    words: nouns.length > 0 ? `${first} ${second} ${third}` : `${first} ${second}`,
  }
}

/** `signet help lock sign` is `signet lock sign --help`. */
async function helpFor(words: readonly string[]): Promise<Found> {
  const group = groups.find((candidate) => candidate.name === words[0])
  if (group !== undefined && words.length === 1) return { kind: 'help', group }
  const found = await findCommand(words)
  return found.kind === 'command' ? { ...found, rest: ['--help'] } : found
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h' || word === '-help' || word === 'help'
}
