// SPDX-License-Identifier: Apache-2.0

/**
 * Addresses with ports, as discovery messages carry them: 16 bytes, IPv4 mapped into IPv6, and a port.
 *
 * @module
 */

/** An address of 4 or 16 bytes, and a port. */
export interface Endpoint {
  readonly address: Uint8Array
  readonly port: number
}

/** Bytes of one. */
export const ENDPOINT_LENGTH = 18

const MAPPED_PREFIX: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)

/** Returns the bytes of an endpoint. */
export function encodeEndpoint({ address, port }: Endpoint): Uint8Array {
  const bytes = new Uint8Array(ENDPOINT_LENGTH)
  if (address.length === 4) bytes.set(MAPPED_PREFIX)
  bytes.set(address, 16 - address.length)
  new DataView(bytes.buffer).setUint16(16, port)
  return bytes
}

/** Reads endpoints; `bytes` is a whole number of them. */
export function readEndpoints(bytes: Uint8Array): readonly Endpoint[] {
  const endpoints: Endpoint[] = []
  for (let at = 0; at + ENDPOINT_LENGTH <= bytes.length; at += ENDPOINT_LENGTH) {
    const whole = Uint8Array.from(bytes.subarray(at, at + 16))
    const isMapped = MAPPED_PREFIX.every((byte, i) => whole[i] === byte)
    const port = ((bytes[at + 16] ?? 0) << 8) | (bytes[at + 17] ?? 0)
    endpoints.push({ address: isMapped ? whole.slice(12) : whole, port })
  }
  return endpoints
}
