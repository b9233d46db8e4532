// SPDX-License-Identifier: Apache-2.0

/**
 * `signet completion`: scripts made from the command tables. They hold the words themselves, so
 * that pressing Tab starts nothing.
 *
 * @module
 */

import type { Command, CommandContext } from '../command.ts'
import { CliError } from '../errors.ts'
import { allCommands } from './table.ts'

/** Runs `completion`. */
export async function run({ io, args }: CommandContext): Promise<void> {
  const [shell] = args
  const make = shell === undefined ? undefined : shells[shell]
  if (make === undefined || args.length !== 1) {
    throw new CliError('usage', 'usage: signet completion bash|zsh|fish')
  }
  io.out(make(completions(await allCommands())))
}

/** What can follow some words: further words, and flags. */
interface Completion {
  readonly words: string
  readonly next: readonly { readonly word: string; readonly summary: string }[]
}

const shells: Readonly<Record<string, (completions: readonly Completion[]) => string>> = {
  bash,
  zsh,
  fish,
}

/** Returns, for each prefix of command words, what can follow. */
function completions(commands: readonly Command[]): Completion[] {
  const shown = commands.filter((command) => command.hidden !== true)
  const prefixes = new Set([
    '',
    ...shown.flatMap(({ path }) => path.map((_, i) => path.slice(0, i + 1).join(' '))),
  ])
  return [...prefixes].map((words) => {
    const depth = words === '' ? 0 : words.split(' ').length
    const next = new Map<string, string>()
    for (const command of shown) {
      const name = command.path.join(' ')
      if (name === words) {
        for (const flag of command.flags)
          if (flag.hidden !== true) next.set(`--${flag.name}`, flag.summary)
        for (const choice of command.choices ?? []) next.set(choice, command.summary)
      } else if (words === '' || name.startsWith(`${words} `)) {
        const word = command.path[depth] ?? ''
        if (!next.has(word))
          next.set(word, depth + 1 === command.path.length ? command.summary : '')
      }
    }
    return { words, next: [...next].map(([word, summary]) => ({ word, summary })) }
  })
}

function bash(all: readonly Completion[]): string {
  const cases = all.map(
    ({ words, next }) =>
      `    ${quote(words)}) next=${quote(next.map(({ word }) => word).join(' '))} ;;`,
  )
  return `# bash completion for signet
_signet() {
  local words='' word next='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$word" in
      -*) continue ;;
    esac
    case "\${words:+$words }$word" in
${all
  .filter(({ words }) => words !== '')
  .map(({ words }) => `      ${quote(words)}) words=${quote(words)} ;;`)
  .join('\n')}
    esac
  done
  case "$words" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _signet signet
`
}

function zsh(all: readonly Completion[]): string {
  const cases = all.map(({ words, next }) => {
    const items = next.map(({ word, summary }) => quote(`${word.replace(/:/g, '\\:')}:${summary}`))
    return `    ${quote(words)}) next=(${items.join(' ')}) ;;`
  })
  return `#compdef signet
_signet() {
  local at='' word i
  local -a next
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    case "$word" in
      -*) continue ;;
    esac
    case "\${at:+$at }$word" in
${all
  .filter(({ words }) => words !== '')
  .map(({ words }) => `      ${quote(words)}) at=${quote(words)} ;;`)
  .join('\n')}
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  _describe 'signet' next || _files
}
compdef _signet signet
`
}

function fish(all: readonly Completion[]): string {
  const lines = all.flatMap(({ words, next }) =>
    next.map(({ word, summary }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${quote(word)}`
      return `complete -c signet -n ${quote(`__signet_at ${fishQuote(words)}`)} ${what}${summary === '' ? '' : ` -d ${quote(summary)}`}`
    }),
  )
  return `# fish completion for signet
function __signet_at
  set -l words
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; or set -a words $word
  end
  test "$words" = "$argv[1]"
end
${lines.join('\n')}
`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function fishQuote(text: string): string {
  return `"${text}"`
}
