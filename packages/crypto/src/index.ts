// SPDX-License-Identifier: Apache-2.0

/**
 * Every primitive in one place, native under Node and portable elsewhere.
 *
 * @module
 */

export {}
