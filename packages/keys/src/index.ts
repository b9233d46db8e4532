// SPDX-License-Identifier: Apache-2.0

/**
 * Typed keys and their text forms.
 *
 * @module
 */

export {}
