// SPDX-License-Identifier: Apache-2.0

/**
 * STUN (RFC 5389) as far as tailnets use it: a client asks which address it is seen from.
 *
 * A request carries the software's name and a fingerprint, so that a server need not answer what
 * was not meant for it: nobody can use it to send packets to third parties that matter.
 *
 * @module
 */

import { concatBytes, encodeUtf8, equalBytes } from '@signet/codec'
import { copyOf } from './copy.ts'
import { DerpError } from './errors.ts'
import { readUint32 } from './frames.ts'
import { MAX_STUN_REQUEST } from './limits.ts'

const HEADER = 20
const COOKIE = Uint8Array.of(0x21, 0x12, 0xa4, 0x42)
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101

/** Attributes. The second number of the XOR address is from a draft; some servers use it still. */
const Attribute = {
  MappedAddress: 0x0001,
  XorMappedAddress: 0x0020,
  XorMappedAddressDraft: 0x8020,
  Software: 0x8022,
  Fingerprint: 0x8028,
} as const

const SOFTWARE = encodeUtf8('tailnode')
/** "STUN": what a fingerprint is mixed with. */
const FINGERPRINT_MASK = 0x5354_554e
const FINGERPRINT_LENGTH = 8

/** Length of the number that ties an answer to its request. */
export const STUN_TRANSACTION_LENGTH = 12

/** An address of 4 or 16 bytes, and a port. */
export interface StunAddress {
  readonly address: Uint8Array
  readonly port: number
}

/** What a server answered. */
export interface StunResponse extends StunAddress {
  readonly transaction: Uint8Array
}

/** Says whether a packet looks like STUN, on a socket that carries other things as well. */
export function isStun(packet: Uint8Array): boolean {
  return (
    packet.length >= HEADER &&
    (packet[0] ?? 0) < 0x40 &&
    COOKIE.every((byte, i) => packet[4 + i] === byte)
  )
}

/** Returns a request; the transaction number must be random. */
export function encodeStunRequest(transaction: Uint8Array): Uint8Array {
  const software = attribute(Attribute.Software, SOFTWARE)
  const length = software.length + FINGERPRINT_LENGTH
  const message = concatBytes(header(BINDING_REQUEST, length, transaction), software)
  return concatBytes(message, attribute(Attribute.Fingerprint, uint32(fingerprintOf(message))))
}

/**
 * Returns the transaction number of a request. The length in its header is not looked at, as in the
 * official server; the fingerprint covers it.
 *
 * @throws DerpError `bad-stun`
 */
export function parseStunRequest(packet: Uint8Array): Uint8Array {
  if (!isStun(packet)) refuse('not STUN')
  if (packet.length > MAX_STUN_REQUEST) refuse('too long for a request')
  if (typeOf(packet) !== BINDING_REQUEST) refuse('not a binding request')
  let named = false
  let fingerprint: number | undefined
  let last = 0
  forEachAttribute(packet.subarray(HEADER), (type, value) => {
    last = type
    if (type === Attribute.Software && equalBytes(value, SOFTWARE)) named = true
    if (type === Attribute.Fingerprint && value.length === 4) fingerprint = readUint32(value, 0)
  })
  if (!named) refuse('not from tailnet software')
  if (last !== Attribute.Fingerprint) refuse('no fingerprint at the end')
  if (fingerprint !== fingerprintOf(packet.subarray(0, packet.length - FINGERPRINT_LENGTH))) {
    refuse('wrong fingerprint')
  }
  return copyOf(transactionOf(packet))
}

/**
 * Returns the answer that shows a client its address: of 4 or 16 bytes, and said as given. A server
 * on a socket of both families unmaps addresses first, see {@link unmapAddress}.
 *
 * @throws DerpError `bad-stun` for an address of another length
 */
export function encodeStunResponse(transaction: Uint8Array, seen: StunAddress): Uint8Array {
  const { address, port } = seen
  if (address.length !== 4 && address.length !== 16) {
    throw new DerpError('bad-stun', `Cannot answer: an address of ${address.length} bytes`)
  }
  const mixed = port ^ 0x2112
  const value = concatBytes(
    Uint8Array.of(0, address.length === 4 ? 1 : 2, mixed >> 8, mixed & 0xff),
    xorAddress(address, transaction),
  )
  const mapped = attribute(Attribute.XorMappedAddress, value)
  return concatBytes(header(BINDING_SUCCESS, mapped.length, transaction), mapped)
}

/**
 * Returns what a server answered. The last XOR address counts; one in the clear only if there is no
 * other. Bytes behind the stated length, and fingerprints, are not looked at. IPv4 addresses inside
 * IPv6 are unmapped: official servers send them.
 *
 * @throws DerpError `bad-stun`
 */
export function parseStunResponse(packet: Uint8Array): StunResponse {
  if (!isStun(packet)) refuse('not STUN')
  if (typeOf(packet) !== BINDING_SUCCESS) refuse('not an answer')
  const transaction = copyOf(transactionOf(packet))
  const end = HEADER + uint16At(packet, 2)
  if (end > packet.length) refuse('cut off')
  let mixed: StunAddress | undefined
  let plain: StunAddress | undefined
  forEachAttribute(packet.subarray(HEADER, end), (type, value) => {
    if (type === Attribute.XorMappedAddress || type === Attribute.XorMappedAddressDraft) {
      const { address, port } = readAddress(value)
      mixed = { address: unmapAddress(xorAddress(address, transaction)), port: port ^ 0x2112 }
    } else if (type === Attribute.MappedAddress) {
      const { address, port } = readAddress(value)
      plain = { address: copyOf(unmapAddress(address)), port }
    }
  })
  const found = mixed ?? plain
  return found === undefined ? refuse('no address') : { transaction, ...found }
}

/** Returns the 4 bytes of an IPv4 address that is written as an IPv6 one, or the address as it is. */
export function unmapAddress(address: Uint8Array): Uint8Array {
  const isMapped =
    address.length === 16 &&
    address.subarray(0, 10).every((byte) => byte === 0) &&
    address[10] === 0xff &&
    address[11] === 0xff
  return isMapped ? address.subarray(12) : address
}

function forEachAttribute(
  bytes: Uint8Array,
  visit: (type: number, value: Uint8Array) => void,
): void {
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 4) refuse('malformed attributes')
    const length = uint16At(bytes, at + 2)
    const next = at + 4 + ((length + 3) & ~3)
    if (next > bytes.length) refuse('malformed attributes')
    visit(uint16At(bytes, at), bytes.subarray(at + 4, at + 4 + length))
    at = next
  }
}

function readAddress(value: Uint8Array): StunAddress {
  const length = value[1] === 1 ? 4 : value[1] === 2 ? 16 : refuse('unknown address family')
  if (value.length < 4 + length) refuse('short address')
  return { address: value.subarray(4, 4 + length), port: uint16At(value, 2) }
}

/** Mixes an address with cookie and transaction, which also undoes it. */
function xorAddress(address: Uint8Array, transaction: Uint8Array): Uint8Array {
  const mask = concatBytes(COOKIE, transaction)
  return Uint8Array.from(address, (byte, i) => byte ^ (mask[i] ?? 0))
}

function header(type: number, length: number, transaction: Uint8Array): Uint8Array {
  if (transaction.length !== STUN_TRANSACTION_LENGTH) {
    throw new DerpError('bad-stun', `Cannot write STUN: transaction of ${transaction.length} bytes`)
  }
  return concatBytes(uint16(type), uint16(length), COOKIE, transaction)
}

/** All our attributes have lengths of whole words, so none needs padding. */
function attribute(type: number, value: Uint8Array): Uint8Array {
  return concatBytes(uint16(type), uint16(value.length), value)
}

function transactionOf(packet: Uint8Array): Uint8Array {
  return packet.subarray(8, HEADER)
}

function typeOf(packet: Uint8Array): number {
  return uint16At(packet, 0)
}

function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff)
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)
}

function fingerprintOf(bytes: Uint8Array): number {
  return (crc32(bytes) ^ FINGERPRINT_MASK) >>> 0
}

/** The checksum of Ethernet and ZIP; packets are short, so no table. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0)
  }
  return ~crc >>> 0
}

function refuse(reason: string): never {
  throw new DerpError('bad-stun', `Cannot read STUN packet: ${reason}`)
}
