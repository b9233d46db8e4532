// SPDX-License-Identifier: Apache-2.0

/**
 * The node: control client, gate, tunnel, local API.
 *
 * @module
 */

export {}
