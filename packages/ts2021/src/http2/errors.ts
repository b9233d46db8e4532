// SPDX-License-Identifier: Apache-2.0

/**
 * Errors of HTTP/2: of one stream, or of the whole connection (RFC 9113, section 7).
 *
 * @module
 */

/** The error codes that are used here. */
export const Http2Code = {
  NoError: 0x0,
  Protocol: 0x1,
  Internal: 0x2,
  FlowControl: 0x3,
  StreamClosed: 0x5,
  FrameSize: 0x6,
  RefusedStream: 0x7,
  Cancel: 0x8,
  Compression: 0x9,
  EnhanceYourCalm: 0xb,
} as const

/** One of {@link Http2Code}. */
export type Http2Code = (typeof Http2Code)[keyof typeof Http2Code]

/** What the other side did that ends the connection. Never leaves this folder but as a log line. */
export class Http2Error extends Error {
  override readonly name = 'Http2Error'
  readonly code: Http2Code
  constructor(code: Http2Code, message: string) {
    super(message)
    this.code = code
  }
}
