// SPDX-License-Identifier: Apache-2.0

/**
 * The coordination server.
 *
 * @module
 */

export {}
