// SPDX-License-Identifier: Apache-2.0

/**
 * The identity of a lock, as people compare it: the hash of the update that it began with. Whoever
 * has the right one cannot be given another lock, because every later update hangs on it.
 *
 * In full it has 52 characters. The first 26 (130 bits) are enough to compare: nobody can make
 * another lock that agrees in them.
 *
 * @module
 */

import { aumHashText, type AumHash } from '@signet/tka'
import { NodeError } from '../errors.ts'

const shortest = 26
const longest = 52

/** The fingerprint for people: groups of four, to be read out. */
export function fingerprintText(genesis: AumHash): string {
  return (aumHashText(genesis).match(/.{1,4}/g) ?? []).join('-')
}

/**
 * Returns a pin in its canonical form: base32 without separators, upper case.
 *
 * @throws NodeError bad-argument
 */
export function parsePin(text: string): string {
  const pin = text.replaceAll(/[\s-]/g, '').toUpperCase()
  if (pin.length < shortest || pin.length > longest || !/^[A-Z2-7]+$/.test(pin)) {
    throw new NodeError(
      'bad-argument',
      `Cannot read the fingerprint of a lock: expected ${shortest} to ${longest} characters of A-Z and 2-7, as "signet lock fingerprint" prints them`,
    )
  }
  return pin
}

/** True when a lock that began with this update is the pinned one. */
export function matchesPin(pin: string, genesis: AumHash): boolean {
  return aumHashText(genesis).startsWith(pin)
}
