// SPDX-License-Identifier: Apache-2.0

/**
 * The words of a command line, taken apart by node:util's parseArgs and read by the command's own
 * table. As in Go: `-flag` is `--flag`, and a switch may say `=true` or `=false`. Flags may also
 * stand after arguments.
 *
 * @module
 */

import { parseArgs } from 'node:util'
import type { Flag, FlagValues } from './command.ts'
import { CliError } from './errors.ts'

/** A command line without its command words. */
export interface ParsedLine {
  readonly flags: FlagValues
  readonly args: readonly string[]
  readonly help: boolean
}

const help: Flag = { name: 'help', kind: 'switch', summary: 'show this help' }

/** Reads `words` by the table `flags`. @throws CliError usage */
export function parseFlags(
  words: readonly string[],
  flags: readonly Flag[],
  path: string,
): ParsedLine {
  const known = new Map([...flags, help].map((flag) => [flag.name, flag]))
  const { tokens } = parseArgs({
    args: words.map((word) => normalise(word, known)),
    options: Object.fromEntries(
      [...known.values()].map((flag) => [
        flag.name,
        { type: flag.kind === 'switch' ? 'boolean' : 'string' } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const args: string[] = []
  const values = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value)
    if (token.kind !== 'option') continue
    const flag = token.name === 'h' ? help : known.get(token.name)
    if (flag === undefined) {
      throw new CliError('usage', `${path}: unknown flag ${token.rawName}`, {
        hint: `Run "${path} --help" to see the flags.`,
      })
    }
    const value = token.value ?? 'true'
    if (flag.kind !== 'switch' && token.value === undefined) {
      throw new CliError(
        'usage',
        `${path}: ${token.rawName} needs a value (${flag.value ?? 'VALUE'})`,
      )
    }
    check(flag, value, path)
    values.set(
      flag.name,
      flag.kind === 'list' ? [...(values.get(flag.name) ?? []), value] : [value],
    )
  }
  return { flags: createFlagValues(known, values), args, help: values.has('help') }
}

/** Turns Go's one-dash long flags into the two-dash form, when the table knows the name. */
function normalise(word: string, known: ReadonlyMap<string, Flag>): string {
  const name = /^-([a-z0-9][a-z0-9-]*)(?:=|$)/i.exec(word)?.[1]
  return name !== undefined && known.has(name) ? `-${word}` : word
}

const truths = new Set(['true', 't', '1', 'TRUE', 'True', 'T'])
const lies = new Set(['false', 'f', '0', 'FALSE', 'False', 'F'])

function check(flag: Flag, value: string, path: string): void {
  if (flag.kind === 'number' && !/^-?\d+$/.test(value)) {
    throw new CliError('usage', `${path}: --${flag.name} takes a whole number, got "${value}"`)
  }
  if (flag.kind !== 'switch' || truths.has(value) || lies.has(value)) return
  if (flag.version === true && /^\d+$/.test(value)) return
  throw new CliError('usage', `${path}: --${flag.name} takes true or false, got "${value}"`)
}

function createFlagValues(
  known: ReadonlyMap<string, Flag>,
  values: ReadonlyMap<string, readonly string[]>,
): FlagValues {
  const all = (name: string): readonly string[] => {
    const flag = known.get(name)
    if (flag === undefined) throw new Error(`no flag --${name} in the table`)
    return values.get(name) ?? (flag.fallback === undefined ? [] : [flag.fallback])
  }
  const last = (name: string): string => all(name).at(-1) ?? ''
  return {
    given: (name) => values.has(name),
    switch: (name) => truths.has(last(name)),
    text: last,
    number: (name) => Number(last(name) || '0'),
    list: (name) =>
      all(name).flatMap((value) =>
        value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      ),
    version: (name) => {
      const value = last(name)
      if (value === '' || value === 'false') return 0
      return /^\d+$/.test(value) ? Number(value) : 1
    },
  }
}
