// SPDX-License-Identifier: Apache-2.0

/**
 * JSON with line breaks, as Go's json.Indent writes it: every token stays as it is, so 64-bit
 * numbers and escapes survive.
 *
 * @module
 */

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Returns JSON text with one member a line. Empty objects and lists stay on one line. */
export function indentJson(json: string, step: string): string {
  let out = ''
  let depth = 0
  let afterOpen = false
  const newline = (): string => `\n${step.repeat(depth)}`
  for (const [token] of json.matchAll(tokens)) {
    const closes = token === '}' || token === ']'
    if (closes) depth -= 1
    if (afterOpen ? !closes : closes) out += newline()
    out += token === ':' ? ': ' : token
    if (token === ',') out += newline()
    afterOpen = token === '{' || token === '['
    if (afterOpen) depth += 1
  }
  return out
}
