// SPDX-License-Identifier: Apache-2.0

/**
 * Noise IK handshake and records of the control connection, sans-I/O.
 *
 * @module
 */

export {}
