// SPDX-License-Identifier: Apache-2.0

/**
 * The control connection on Node sockets: HTTP upgrade, Noise stream, HTTP/2.
 *
 * @module
 */

export {}
