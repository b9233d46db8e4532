// SPDX-License-Identifier: Apache-2.0

/**
 * The fingerprint of a lock: the hash of its first update, in base32. Everything that follows is
 * chained to that hash, so whoever has it cannot be shown another lock. The first 26 characters
 * (130 bits) are enough to compare.
 *
 * @module
 */

import { CliError } from '../../errors.ts'

/** Returns a fingerprint in groups of four, for reading it out. */
export function groupedFingerprint(text: string): string {
  return (text.match(/.{1,4}/g) ?? []).join('-')
}

/**
 * Reads a fingerprint or its beginning; blanks, dashes and lower case are allowed.
 *
 * @throws CliError bad-input
 */
export function parseFingerprint(text: string): string {
  const compact = text.replace(/[\s-]/g, '').toUpperCase()
  if (/^[A-Z2-7]{26,52}$/.test(compact)) return compact
  throw new CliError(
    'bad-input',
    `Cannot read fingerprint: expected 26 to 52 characters of A-Z and 2-7, got ${compact.length}`,
    { hint: 'It is what "signet lock fingerprint" prints.' },
  )
}
