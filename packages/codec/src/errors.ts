// SPDX-License-Identifier: Apache-2.0

/**
 * The one error of this package.
 *
 * @module
 */

/** Why bytes or text were refused. These strings are API: never renamed, never reused. */
export type CodecErrorCode =
  /** Text is not hexadecimal. */
  | 'bad-hex'
  /** Text is not base32. */
  | 'bad-base32'
  /** Text is not base64. */
  | 'bad-base64'
  /** Bytes are not UTF-8. */
  | 'bad-utf8'
  /** Bytes end inside a CBOR item, or have a head that CBOR does not define. */
  | 'cbor-malformed'
  /** A tag or an item of indefinite length, which this protocol never uses. */
  | 'cbor-forbidden'
  /** Too deep, too many array elements, too many map pairs. */
  | 'cbor-limit'
  /** Bytes follow the one item that was expected. */
  | 'cbor-trailing'
  /** An item of another type, or out of range, where the structure needs a certain one. */
  | 'cbor-type'
  /** One map says two things about one key. */
  | 'cbor-duplicate-key'
  /** The caller of the writer broke its contract: keys out of order, wrong count, bad number. */
  | 'cbor-writer'

/** Thrown by every decoder here, for every refusal. */
export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code: CodecErrorCode
  constructor(code: CodecErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
