// SPDX-License-Identifier: Apache-2.0

/**
 * Control, lock and local-API messages: types, parsers, encoders.
 *
 * @module
 */

export {}
