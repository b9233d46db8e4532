// SPDX-License-Identifier: Apache-2.0

/**
 * Loaded into every test process before its tests. Code under test that ends the process with
 * "success" would take all tests after it along, and the runner would not miss them.
 *
 * @module
 */

const EXIT_IN_TEST = 70
const exit = process.exit.bind(process)

process.exit = (code) => {
  console.error(`process.exit(${code ?? ''}) was called in a test process`)
  return exit(code === undefined || Number(code) === 0 ? EXIT_IN_TEST : code)
}
