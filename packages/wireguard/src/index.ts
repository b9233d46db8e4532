// SPDX-License-Identifier: Apache-2.0

/**
 * WireGuard handshake, transport and timers, sans-I/O.
 *
 * @module
 */

export {}
