// SPDX-License-Identifier: Apache-2.0
/** The rules by which a case may differ from the recorded behaviour, read from the document. */

/** Names of the rules: headings of the form "### `rule-name`". */
export function readRules(markdown: string): ReadonlySet<string> {
  return new Set([...markdown.matchAll(/^### `([a-z0-9-]+)`$/gm)].map((match) => match[1] ?? ''))
}
