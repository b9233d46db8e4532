// SPDX-License-Identifier: Apache-2.0
/** Comparing JSON texts by what they say. */

import type { Checks } from './checks.ts'
import { parseJson } from './fields.ts'

/** Texts that are equal, or differ in nothing but the order of members and white space. */
export function checkJson(checks: Checks, what: string, expected: string, got: string): void {
  if (expected === got) return
  checks.equal(what, parseJson(expected, what), parseJson(got, what))
}
