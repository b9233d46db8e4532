// SPDX-License-Identifier: Apache-2.0

/**
 * The messages of the control connection: a type, a length, a payload.
 *
 * @module
 */

import { concatBytes, encodeUtf8 } from '@signet/codec'

/** Types of messages. */
export const MessageType = { Initiation: 1, Response: 2, Error: 3, Record: 4 } as const

/** One of {@link MessageType}. */
export type MessageType = (typeof MessageType)[keyof typeof MessageType]

/** Returns a message with its header of three bytes. */
export function frameMessage(type: MessageType, payload: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(type, payload.length >> 8, payload.length & 0xff), payload)
}

/** Returns an error message. Its text is neither secret nor authentic. */
export function errorMessage(text: string): Uint8Array {
  return frameMessage(MessageType.Error, encodeUtf8(text))
}

/** Reads the length out of the header of a message. */
export function messageLength(message: Uint8Array): number {
  return ((message[1] ?? 0) << 8) | (message[2] ?? 0)
}
