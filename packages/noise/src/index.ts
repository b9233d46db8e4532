// SPDX-License-Identifier: Apache-2.0

/**
 * Noise IK handshake and records of the control connection, sans-I/O.
 *
 * @module
 */

// Handshake
export {
  createInitiator,
  type Initiator,
  type InitiatorOptions,
  type InitiatorResult,
  type NoiseSession,
  respond,
  type ResponderOptions,
  type ResponderResult,
} from './handshake.ts'
export {
  HEADER_LENGTH,
  INITIATION_LENGTH,
  MAX_RECORD,
  MAX_RECORD_PLAINTEXT,
  RESPONSE_LENGTH,
} from './limits.ts'

// Records
export { RecordReader, RecordWriter, sealedLength } from './records.ts'

// Early payload
export {
  type EarlyPayload,
  type EarlyPayloadResult,
  encodeEarlyPayload,
  parseEarlyPayload,
} from './early-payload.ts'

// Errors
export { NoiseError, type NoiseErrorCode, type NoiseErrorOptions } from './errors.ts'
