// SPDX-License-Identifier: Apache-2.0

/**
 * The Tailnet Key Authority: updates, chain, forks, sync, node-key signatures.
 *
 * @module
 */

export {}
