// SPDX-License-Identifier: Apache-2.0

/**
 * The version of this server.
 *
 * @module
 */

/** As in the package manifest; a test compares. */
export const VERSION = '0.1.0'
