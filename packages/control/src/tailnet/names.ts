// SPDX-License-Identifier: Apache-2.0

/**
 * DNS labels for machines: what a machine calls itself, made into one label that nobody else has. And tags.
 *
 * @module
 */

const MAX_LABEL = 63

/** Turns any text into a DNS label; a text with nothing usable becomes `node`. */
export function labelFrom(hostname: string): string {
  const first = hostname.toLowerCase().split('.')[0] ?? ''
  const label = first
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, MAX_LABEL)
    .replace(/-+$/, '')
  return label === '' ? 'node' : label
}

/** Whether an operator may choose this text as a name. */
export function isLabel(text: string): boolean {
  return text.length <= MAX_LABEL && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text)
}

/** The wanted label, or the first free one of `wanted-1`, `wanted-2`, ... */
export function freeLabel(wanted: string, isTaken: (label: string) => boolean): string {
  if (!isTaken(wanted)) return wanted
  for (let suffix = 1; ; suffix++) {
    const label = `${wanted.slice(0, MAX_LABEL - 1 - String(suffix).length)}-${suffix}`
    if (!isTaken(label)) return label
  }
}

/** Whether this is a tag, as official policies write them. */
export function isTag(text: string): boolean {
  return /^tag:[a-zA-Z][a-zA-Z0-9-]{0,49}$/.test(text)
}
