// SPDX-License-Identifier: Apache-2.0

/**
 * All tests of the pure packages, as one file for the test runner: importing it runs them.
 *
 * @module
 */

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const PURE_PACKAGES = [
  'codec',
  'crypto',
  'keys',
  'tka',
  'noise',
  'wireguard',
  'derp',
  'disco',
  'protocol',
  'filter',
]

/** Paths of the files, from the root of the repository. */
export const PURE_TESTS: readonly string[] = PURE_PACKAGES.flatMap((name) =>
  globSync(`packages/${name}/test/**/*.test.ts`, { cwd: ROOT }).sort(),
)

// The runner starts each file as the main module of its process.
if (import.meta.main) {
  for (const file of PURE_TESTS) {
    try {
      await import(join(ROOT, file))
    } catch (error) {
      // One broken file must not take the others' tests with it.
      void test(file, () => {
        throw error
      })
    }
  }
}
