// SPDX-License-Identifier: Apache-2.0

/**
 * The signet command.
 *
 * @module
 */

export {}
