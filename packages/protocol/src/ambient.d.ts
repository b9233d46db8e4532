// SPDX-License-Identifier: Apache-2.0

/**
 * The whole of the platform that this package may touch: text to UTF-8 and back. Everything else
 * (`Buffer`, `process`, `fetch`, `console`, `crypto`) stays a type error.
 */

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, target: Uint8Array): { read: number; written: number }
}

declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(bytes?: Uint8Array): string
}
