// SPDX-License-Identifier: Apache-2.0

/**
 * Small lists of texts, compared by value.
 *
 * @module
 */

/** Whether both lists hold the same texts in the same order. */
export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, index) => text === b[index]))
}

/** Each text once, sorted. */
export function sortedSet(list: Iterable<string>): readonly string[] {
  return [...new Set(list)].sort()
}
