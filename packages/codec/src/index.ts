// SPDX-License-Identifier: Apache-2.0

/**
 * Bytes, hex, base32, base64 and strict canonical CBOR.
 *
 * @module
 */

export {}
