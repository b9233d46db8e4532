// SPDX-License-Identifier: Apache-2.0

/**
 * Bytes, hex, base32, base64 and CBOR: canonical when written, as lenient as official software
 * when read.
 *
 * @module
 */

// Bytes and text
export { compareBytes, concatBytes, equalBytes, equalBytesConstantTime } from './bytes.ts'
export { decodeUtf8, encodeUtf8 } from './utf8.ts'
export { fromHex, toHex } from './hex.ts'
export { fromBase32, toBase32 } from './base32.ts'
export {
  fromBase64,
  fromBase64Url,
  fromRawBase64,
  toBase64,
  toBase64Url,
  toRawBase64,
} from './base64.ts'

// CBOR
export { CborReader, type FieldReader } from './cbor-reader.ts'
export { CborWriter } from './cbor-writer.ts'
export { checkWellFormed, type WellFormedOptions } from './cbor-well-formed.ts'
export { MAX_CBOR_ARRAY, MAX_CBOR_DEPTH, MAX_CBOR_MAP } from './cbor-limits.ts'

// Errors
export { CodecError, type CodecErrorCode } from './errors.ts'
