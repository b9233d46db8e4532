// SPDX-License-Identifier: Apache-2.0

/**
 * Chain and network builders, fake clock, contract suites; for tests only.
 *
 * @module
 */

export {}
