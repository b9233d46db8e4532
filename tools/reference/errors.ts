// SPDX-License-Identifier: Apache-2.0

/**
 * docs/reference/errors.md: the error codes of every package, read out of the unions that declare
 * them.
 *
 * @module
 */

import { globSync, readFileSync } from 'node:fs'
import { cliErrorTable } from '@signet/cli'

interface ErrorCode {
  readonly code: string
  readonly meaning: string
}

/** Returns the page. `root` is the repository. */
export function errorReference(root: URL): string {
  const packages = globSync('packages/*/src/**/*.ts', { cwd: root })
    .sort()
    .flatMap((path) => errorUnions(path, readFileSync(new URL(path, root), 'utf8')))
  return [
    '# Error codes',
    '',
    'Every package has one error class with a `code`. Codes are part of the interface: tests and callers look at them, never at the message, and none is reused. Made from the sources by `node tools/reference.ts`; a test compares.',
    '',
    '## The command line',
    '',
    'The message on standard error says what was attempted and found, and where there is something to do next, what. The exit code is all that scripts need.',
    '',
    cliErrorTable(),
    '',
    ...packages,
  ].join('\n')
}

/** The sections of one file: each exported union whose name ends in ErrorCode. */
function errorUnions(path: string, source: string): string[] {
  if (path.startsWith('packages/cli/')) return []
  const unions = source.matchAll(
    /((?:\/\*\*(?:(?!\*\/)[^])*\*\/\s*)?)export type (\w+)ErrorCode =((?:\s*(?:\/\/.*\s*)*(?:\/\*\*(?:(?!\*\/)[^])*\*\/\s*)?\|?\s*'[^']+')+)/g,
  )
  return [...unions].flatMap(([, comment = '', name = '', body = '']) => [
    `## ${name}Error`,
    '',
    `Declared in \`${path}\`.`,
    '',
    '| code | when |',
    '|---|---|',
    ...codesOf(comment, body).map(({ code, meaning }) => `| \`${code}\` | ${cell(meaning)} |`),
    '',
  ])
}

/** Codes with their comments: each above its member, or all as a list above the union. */
function codesOf(comment: string, body: string): ErrorCode[] {
  const listed = new Map(
    [
      ...comment.matchAll(/^\s*\*\s+- ((?:`[^`]+`(?:, )?)+):\s*((?:(?!\n\s*\*\s+- |\*\/)[^])*)/gm),
    ].flatMap(([, codes = '', text = '']) =>
      [...codes.matchAll(/`([^`]+)`/g)].map(([, code = '']) => [code, prose(text)] as const),
    ),
  )
  const members = body.matchAll(/(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\s*)?\|?\s*'([^']+)'/g)
  return [...members].map(([, own, code = '']) => ({
    code,
    meaning: own === undefined ? (listed.get(code) ?? '') : prose(own),
  }))
}

function prose(comment: string): string {
  return comment
    .replace(/\n\s*\*\s?/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .trim()
    .replace(/\.$/, '')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
